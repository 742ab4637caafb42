import type { JSX } from 'react';
import type { Job, LoadReport, LoadStep } from '../core/types';
import type { Translation } from '../core/translation';
import { useTrans } from './contexts';
import { formatFigure } from './format';
import { ThroughputCurve } from './ThroughputCurve';

/** How an endpoint answered under load: latency over throughput, and each step's figures. */
export function LoadResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const report = job.result?.load as LoadReport | undefined;
  if (!report) {
    return <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>;
  }
  return (
    <>
      <ThroughputCurve report={report} />
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

export function stepName({ concurrency, rate }: LoadStep, trans: Translation): string {
  if (concurrency !== null) {
    return trans._n('%1 connection', '%1 connections', concurrency, concurrency);
  }
  return rate !== null ? trans.__('%1/s', formatFigure(rate)) : trans.__('recorded');
}
