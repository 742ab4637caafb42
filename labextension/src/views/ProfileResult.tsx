import type { JSX } from 'react';
import type { Job, Profile } from '../core/types';
import { useTrans } from './contexts';
import { formatBytes, formatFigure, formatShare } from './format';

const MOST_OPERATORS = 20;

/** What a profile measured: how a version answers, what it takes, and where its time goes. */
export function ProfileResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const profile = job.result?.profile as Profile | undefined;
  if (!profile) {
    return <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>;
  }
  const { latency, throughput, operators } = profile;
  const facts: [string, string][] = [[trans.__('Memory'), formatBytes(profile.peak_memory_bytes)]];
  if (latency && throughput) {
    facts.unshift(
      [trans.__('Request, median (ms)'), formatFigure(latency.p50)],
      [trans.__('Request, 99 % (ms)'), formatFigure(latency.p99)],
      [trans.__('Requests per second'), formatFigure(throughput.throughput_rps)]
    );
  }
  return (
    <>
      <dl
        className="jp-ModelDeploy-facts"
        aria-label={trans.__('What is known of %1', profile.version)}
      >
        {facts.map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      <table className="jp-ModelDeploy-table">
        <caption>{trans.__('Where the time of a run goes')}</caption>
        <thead>
          <tr>
            <th scope="col">{trans.__('Operator')}</th>
            <th scope="col">{trans.__('Type')}</th>
            <th scope="col">{trans.__('Share')}</th>
          </tr>
        </thead>
        <tbody>
          {operators.slice(0, MOST_OPERATORS).map(({ name, type, share }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{type}</td>
              <td>{formatShare(share)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
