import type { JSX } from 'react';
import type { Job, LoadReport, LoadStep } from '../core/types';
import type { Translation } from '../core/translation';
import { useTrans } from './contexts';
import { formatFigure } from './format';

const WIDTH = 100;
const HEIGHT = 40;
const ROOM = 4;

/** How an endpoint answered under load: latency over throughput, and each step's figures. */
export function LoadResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const report = job.result?.load as LoadReport | undefined;
  if (!report) {
    return <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>;
  }
  return (
    <>
      <Curve steps={report.steps} />
      <p className="jp-ModelDeploy-detail">{report.advice}</p>
      <table className="jp-ModelDeploy-table">
        <caption>{trans.__('Answers of %1', report.service ?? report.url)}</caption>
        <thead>
          <tr>
            <th scope="col">{trans.__('Load')}</th>
            <th scope="col">{trans.__('Requests per second')}</th>
            <th scope="col">{trans.__('Median (ms)')}</th>
            <th scope="col">{trans.__('99 % (ms)')}</th>
            <th scope="col">{trans.__('Failed')}</th>
          </tr>
        </thead>
        <tbody>
          {report.steps.map((step, index) => (
            <tr key={index}>
              <th scope="row">{stepName(step, trans)}</th>
              <td>{formatFigure(step.throughput_rps)}</td>
              <td>{step.latency.p50 && formatFigure(step.latency.p50.value)}</td>
              <td>{step.latency.p99 && formatFigure(step.latency.p99.value)}</td>
              <td>{Object.values(step.errors).reduce((sum, count) => sum + count, 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {report.notes.map(note => (
        <p key={note} className="jp-ModelDeploy-detail">
          {note}
        </p>
      ))}
    </>
  );
}

/** The median and the 99th percentile over the throughput; the table beside it says the same in words. */
function Curve({ steps }: { steps: readonly LoadStep[] }): JSX.Element {
  const trans = useTrans();
  const right = Math.max(...steps.map(step => step.throughput_rps));
  const top = Math.max(
    ...steps.map(step => step.latency.p99?.value ?? step.latency.p50?.value ?? 0)
  );
  const x = (rate: number): number => (right > 0 ? ROOM + ((WIDTH - 2 * ROOM) * rate) / right : 0);
  const y = (ms: number): number =>
    top > 0 ? HEIGHT - ROOM - ((HEIGHT - 2 * ROOM) * ms) / top : HEIGHT / 2;
  const path = (of: 'p50' | 'p99'): string =>
    steps
      .flatMap(({ throughput_rps, latency }) =>
        latency[of] ? [`${x(throughput_rps).toFixed(2)} ${y(latency[of].value).toFixed(2)}`] : []
      )
      .map((point, index) => `${index ? 'L' : 'M'}${point}h0.01`)
      .join('');
  return (
    <figure className="jp-ModelDeploy-chart">
      <figcaption>{trans.__('Latency over throughput: median and 99 %')}</figcaption>
      <div className="jp-ModelDeploy-plot">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <path data-line="training" d={path('p50')} />
          <path data-line="validation" d={path('p99')} />
        </svg>
        <span className="jp-ModelDeploy-high">{trans.__('%1 ms', formatFigure(top))}</span>
      </div>
    </figure>
  );
}

function stepName({ concurrency, rate }: LoadStep, trans: Translation): string {
  if (concurrency !== null) {
    return trans._n('%1 connection', '%1 connections', concurrency, concurrency);
  }
  return rate !== null ? trans.__('%1/s', formatFigure(rate)) : trans.__('recorded');
}
