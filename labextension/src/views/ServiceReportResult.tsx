import type { JSX } from 'react';
import { said } from '../core/said';
import type { Job, ServiceReport } from '../core/types';
import { AdviceList } from './AdviceList';
import { useTrans } from './contexts';
import { formatBytes, formatFigure, formatShare } from './format';
import { ModelGraph } from './ModelGraph';
import { ThroughputCurve } from './ThroughputCurve';

const MOST_OPERATORS = 12;

/** A served model's whole report: the pictures first, then the tables, then the advice. */
export function ServiceReportResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const report = job.result?.service_report as ServiceReport | undefined;
  if (!report) {
    return <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>;
  }
  return (
    <>
      <p>{report.summary}</p>
      <ThroughputCurve report={report.load} />
      <RequestParts report={report} />
      <Steps report={report} />
      {report.operators.length > 0 && <Operators report={report} />}
      {report.run && <ModelGraph job={job.id} version={report.version} run={report.run} />}
      <AdviceList report={report} />
    </>
  );
}

/** Where the mean request's time goes, as bars. */
function RequestParts({ report }: { report: ServiceReport }): JSX.Element {
  const trans = useTrans();
  return (
    <table className="jp-ModelDeploy-table">
      <caption>
        {trans.__('Where the time of a request goes, at %1 connections', report.concurrency)}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Part')}</th>
          <th scope="col">{trans.__('Mean (ms)')}</th>
          <th scope="col">{trans.__('Share')}</th>
        </tr>
      </thead>
      <tbody>
        {report.parts.map(({ name, mean_ms, share }) => (
          <tr key={name}>
            <th scope="row">
              {said(name, trans)}
              <div className="jp-ModelDeploy-bar" aria-hidden="true">
                <div style={{ width: `${(100 * share).toFixed(1)}%` }} />
              </div>
            </th>
            <td>{formatFigure(mean_ms)}</td>
            <td>{formatShare(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Steps({ report }: { report: ServiceReport }): JSX.Element {
  const trans = useTrans();
  const { memory, load } = report;
  return (
    <>
      <table className="jp-ModelDeploy-table">
        <caption>{trans.__('Answers of %1', report.service)}</caption>
        <thead>
          <tr>
            <th scope="col">{trans.__('Connections')}</th>
            <th scope="col">{trans.__('Requests per second')}</th>
            <th scope="col">{trans.__('Median (ms)')}</th>
            <th scope="col">{trans.__('99 % (ms)')}</th>
          </tr>
        </thead>
        <tbody>
          {load.steps.map((step, index) => (
            <tr key={index}>
              <th scope="row">
                {index === load.recommended
                  ? trans.__('%1 (best)', step.connections)
                  : step.connections}
              </th>
              <td>{formatFigure(step.throughput_rps)}</td>
              <td>{formatFigure(step.latency.p50?.value)}</td>
              <td>{formatFigure(step.latency.p99?.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {memory && (
        <p className="jp-ModelDeploy-detail">
          {trans.__(
            '%1 on disk, %2 in memory at its peak',
            formatBytes(report.size_bytes),
            formatBytes(memory.peak_bytes)
          )}
        </p>
      )}
    </>
  );
}

function Operators({ report }: { report: ServiceReport }): JSX.Element {
  const trans = useTrans();
  return (
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
        {report.operators.slice(0, MOST_OPERATORS).map(({ name, type, share }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{type}</td>
            <td>{formatShare(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
