import { useEffect, useState, type JSX } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import { insist } from '../core/insisting';
import { isTrained } from '../core/lineage';
import type { Translation } from '../core/translation';
import type { Verdict, Version, VersionPage } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { Evaluation } from './Evaluation';
import { formatBytes } from './format';

/** What a version's files tell of it, how good it is, and its model card as it is written: nothing of a card becomes
 * part of the page. */
export function VersionDetails({ version }: { version: Version }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [page, setPage] = useState<VersionPage | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const hasCard = Boolean(version.facts?.card);
  const hasMore = hasCard || isTrained(version);

  useEffect(() => {
    const leaving = new AbortController();
    if (hasMore) {
      insist(() => api.version(version.ref), leaving.signal)
        .then(found => {
          if (!leaving.signal.aborted) {
            setPage(found);
          }
        })
        .catch((thrown: unknown) => {
          if (!leaving.signal.aborted) {
            setError(asApiError(thrown));
          }
        });
    }
    return () => {
      leaving.abort();
    };
  }, [api, version.ref, hasMore]);

  return (
    <>
      <dl
        className="jp-ModelDeploy-facts"
        aria-label={trans.__('What is known of %1', version.ref)}
      >
        {factsOf(version, trans).map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      {page?.evaluation && <Evaluation report={page.evaluation} />}
      {hasCard && (
        <pre
          className="jp-ModelDeploy-log"
          role="region"
          tabIndex={0}
          aria-label={trans.__('Model card of %1', version.ref)}
        >
          {page ? page.card_text : trans.__('Loading…')}
        </pre>
      )}
      <ErrorNote error={error} />
    </>
  );
}

/** Names and what is known; what is not known is left out. */
function factsOf(version: Version, trans: Translation): [string, string][] {
  const { facts, verdict } = version;
  const known: [string, string | null | undefined][] = [
    [trans.__('Task'), version.task],
    [trans.__('Made with'), [facts?.framework, facts?.architecture].filter(Boolean).join(', ')],
    [trans.__('Parameters'), facts?.parameters?.toLocaleString()],
    [trans.__('Type'), facts?.dtype],
    [trans.__('Memory'), facts?.memory_bytes ? formatBytes(facts.memory_bytes) : null],
    [trans.__('Licence'), facts?.license],
    [trans.__('Source'), version.lineage.parent ?? version.lineage.source],
    [trans.__('Safety'), verdict ? safetyOf(verdict, trans) : null],
    [trans.__('Note'), facts?.note]
  ];
  return known.filter((pair): pair is [string, string] => Boolean(pair[1]));
}

function safetyOf(verdict: Verdict, trans: Translation): string {
  const { findings } = verdict;
  if (findings.length === 0) {
    return trans.__('Nothing was found');
  }
  const said = findings.map(finding => `${finding.file} ${finding.message}`).join('; ');
  return verdict.trusted
    ? trans.__('Trusted by %1 in spite of: %2', verdict.trusted.by, said)
    : trans.__('In quarantine: %1', said);
}
