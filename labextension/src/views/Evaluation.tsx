import type { JSX } from 'react';
import type { EvaluationReport, Interval } from '../core/types';
import { useTrans } from './contexts';

const SHOWN_CLASSES = 20;
const SHOWN_MISTAKES = 5;

/** How good a fine-tuned version is on held-out rows: its metrics, each class, and what it is most wrong about. */
export function Evaluation({ report }: { report: EvaluationReport }): JSX.Element {
  return (
    <>
      <Metrics report={report} />
      {report.per_class.length > 0 && <Classes report={report} />}
      {report.worst.length > 0 && <Mistakes report={report} />}
    </>
  );
}

function Metrics({ report }: { report: EvaluationReport }): JSX.Element {
  const trans = useTrans();
  return (
    <table className="jp-ModelDeploy-table">
      <caption>
        {trans.__('On %1 held-out rows of %2', report.rows.toLocaleString(), report.dataset)}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Metric')}</th>
          <th scope="col">{trans.__('Value')}</th>
          <th scope="col">{trans.__('95 % interval')}</th>
          <th scope="col">{trans.__('Before')}</th>
          <th scope="col">{trans.__('Difference')}</th>
        </tr>
      </thead>
      <tbody>
        {report.metrics.map(metric => (
          <tr key={metric.name} title={metric.method || undefined}>
            <th scope="row">{metric.name}</th>
            <td>{figure(metric.value)}</td>
            <td>{ends(metric.interval)}</td>
            <td>{figure(metric.before)}</td>
            <td title={metric.difference ? ends(metric.difference) : undefined}>
              {figure(metric.difference?.value)}
            </td>
          </tr>
        ))}
        {report.calibration && (
          <tr>
            <th scope="row">{trans.__('calibration error')}</th>
            <td>{figure(report.calibration.ece)}</td>
            <td />
            <td />
            <td />
          </tr>
        )}
      </tbody>
    </table>
  );
}

function Classes({ report }: { report: EvaluationReport }): JSX.Element {
  const trans = useTrans();
  const boxes = report.kind === 'detection';
  const heads = boxes
    ? [trans.__('AP 0.5'), trans.__('AP 0.5–0.95'), trans.__('Boxes')]
    : [trans.__('Precision'), trans.__('Recall'), trans.__('F1'), trans.__('Held out')];
  return (
    <table className="jp-ModelDeploy-table">
      <caption>{trans.__('Each class')}</caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Class')}</th>
          {heads.map(head => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {report.per_class.slice(0, SHOWN_CLASSES).map(one => (
          <tr key={one.name}>
            <th scope="row">{one.name}</th>
            {(boxes ? [one.ap50, one.ap50_95] : [one.precision, one.recall, one.f1]).map(
              (value, index) => (
                <td key={heads[index]}>{figure(value)}</td>
              )
            )}
            <td>{one.support.toLocaleString()}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Mistakes({ report }: { report: EvaluationReport }): JSX.Element {
  const trans = useTrans();
  const told = report.kind !== 'language-model';
  return (
    <table className="jp-ModelDeploy-table">
      <caption>{told ? trans.__('Surest mistakes') : trans.__('Least likely texts')}</caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Row')}</th>
          {told && <th scope="col">{trans.__('Answer, not label')}</th>}
          <th scope="col">{told ? trans.__('Confidence') : trans.__('Loss')}</th>
        </tr>
      </thead>
      <tbody>
        {report.worst.slice(0, SHOWN_MISTAKES).map((mistake, index) => (
          <tr key={index}>
            <th scope="row">{mistake.text || mistake.row}</th>
            {told && <td>{trans.__('%1, not %2', mistake.answered, mistake.wanted)}</td>}
            <td>{figure(mistake.score)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function figure(value: number | null | undefined): string {
  return value === null || value === undefined
    ? ''
    : value.toLocaleString(undefined, { maximumFractionDigits: 3 });
}

function ends(interval: Interval | null | undefined): string {
  return interval ? `${figure(interval.low)} – ${figure(interval.high)}` : '';
}
