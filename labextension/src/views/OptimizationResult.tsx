import type { JSX } from 'react';
import type { Candidate, Job, Optimization } from '../core/types';
import type { Translation } from '../core/translation';
import { useApi, useOpenPage, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { formatBytes, formatFigure } from './format';
import { useAction } from './useAction';

/** What a search for a better form of a version has found so far: every candidate, and what to do with the best. */
export function OptimizationResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const found = job.result as unknown as Optimization | null;
  if (!found || found.candidates.length === 0) {
    return <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>;
  }
  return (
    <>
      {found.why && <p className="jp-ModelDeploy-detail">{found.why}</p>}
      <table className="jp-ModelDeploy-table">
        <caption>
          {trans.__(
            'Differences are of %1, in percentage points',
            found.metric || trans.__('accuracy')
          )}
        </caption>
        <thead>
          <tr>
            <th scope="col">{trans.__('Candidate')}</th>
            <th scope="col">{trans.__('Size')}</th>
            <th scope="col">{trans.__('Run (ms)')}</th>
            <th scope="col">{trans.__('Difference')}</th>
            <th scope="col">{trans.__('Verdict')}</th>
          </tr>
        </thead>
        <tbody>
          {found.candidates.map(one => (
            <tr key={one.name} title={one.reason || undefined}>
              <th scope="row">{one.name}</th>
              <td>{one.size_bytes === null ? '' : formatBytes(one.size_bytes)}</td>
              <td>{formatFigure(one.best?.p50_ms.median)}</td>
              <td>{difference(one)}</td>
              <td>
                {verdict(one, trans)}
                {job.state === 'succeeded' && <Use job={job} found={found} candidate={one} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Register a point of the front, or serve it once it is a version. */
function Use({
  job,
  found,
  candidate
}: {
  job: Job;
  found: Optimization;
  candidate: Candidate;
}): JSX.Element | null {
  const api = useApi();
  const trans = useTrans();
  const openPage = useOpenPage();
  const register = useAction(async () => {
    await api.registerOptimized(job.id, candidate.name);
  });
  const serve = useAction(async () => {
    const [model, number] = (candidate.version ?? '').split('@');
    if (model && number) {
      await api.serve(model, model, Number(number), layoutOf(candidate));
      openPage?.({ page: 'service', name: model });
    }
  });
  if (!found.front.includes(candidate.name)) {
    return null;
  }
  return (
    <>
      {' '}
      {candidate.version === null ? (
        <button
          type="button"
          className="jp-ModelDeploy-button"
          aria-label={trans.__('Register %1', candidate.name)}
          disabled={register.busy}
          onClick={register.run}
        >
          {trans.__('Register')}
        </button>
      ) : (
        <button
          type="button"
          className="jp-ModelDeploy-button"
          aria-label={trans.__('Deploy %1', candidate.version)}
          disabled={serve.busy}
          onClick={serve.run}
        >
          {trans.__('Deploy')}
        </button>
      )}
      <ErrorNote error={register.error ?? serve.error} />
    </>
  );
}

/** The threads and instances that it was measured with; nothing where it was not. */
function layoutOf({ best }: Candidate): { instances: number; threads: number } | undefined {
  return best ? { instances: best.layout.instances, threads: best.layout.threads } : undefined;
}

function difference(one: Candidate): string {
  const judged = one.test ?? one.validation;
  return judged ? (100 * judged.difference.value).toFixed(2) : '';
}

function verdict(one: Candidate, trans: Translation): string {
  switch (one.verdict) {
    case 'original':
      return trans.__('the original');
    case 'recommended':
      return trans.__('recommended');
    case 'front':
      return trans.__('on the front');
    case 'dominated':
      return trans.__('dominated');
    case 'slower':
      return trans.__('not carried on');
    case 'too-much-loss':
      return trans.__('loses too much');
    case 'failed':
      return trans.__('failed');
    case 'no-time':
      return trans.__('no time');
    case 'open':
      return trans.__('under way');
  }
}
