import type { JSX } from 'react';
import type { EvaluationReport, Interval } from '../core/types';
import { ConfusionMatrix } from './ConfusionMatrix';
import { useTrans } from './contexts';
import { formatFigure } from './format';
import { ReliabilityDiagram } from './ReliabilityDiagram';

const SHOWN_CLASSES = 20;

/** How good a fine-tuned version is on held-out rows: its metrics beside those of doing without it, each class, what is
 * taken for what, how far its confidence can be trusted, and what it is most wrong about. */
export function Evaluation({ report }: { report: EvaluationReport }): JSX.Element {
  return (
    <>
      <Metrics report={report} />
      {report.per_class.length > 0 && <Classes report={report} />}
      {report.confusion && <ConfusionMatrix confusion={report.confusion} />}
      {report.calibration && <ReliabilityDiagram calibration={report.calibration} />}
      {report.worst.length > 0 && <Mistakes report={report} />}
    </>
  );
}

function Metrics({ report }: { report: EvaluationReport }): JSX.Element {
  const trans = useTrans();
  const majority = report.metrics.some(metric => metric.majority !== null);
  return (
    <table className="jp-ModelDeploy-table">
      <caption>
        {trans.__(
          'On %1 held-out rows of %2, with 95 % intervals',
          report.rows.toLocaleString(),
          report.dataset
        )}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Metric')}</th>
          <th scope="col">{trans.__('Value')}</th>
          <th scope="col">{report.beside ?? trans.__('Before')}</th>
          {majority && (
            <th
              scope="col"
              title={trans.__('of answering everything with what is most frequent in training')}
            >
              {trans.__('Majority')}
            </th>
          )}
          <th scope="col">{trans.__('Gain')}</th>
        </tr>
      </thead>
      <tbody>
        {report.metrics.map(metric => (
          <tr key={metric.name} title={metric.method || undefined}>
            <th scope="row">{metric.name.replace(/_/g, ' ')}</th>
            <td>
              {formatFigure(metric.value)}
              <Ends interval={metric.interval} />
            </td>
            <td>{formatFigure(metric.before)}</td>
            {majority && <td>{formatFigure(metric.majority)}</td>}
            <td>
              {formatFigure(metric.difference?.value)}
              <Ends interval={metric.difference} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Ends({ interval }: { interval: Interval | null | undefined }): JSX.Element | null {
  return interval ? (
    <div className="jp-ModelDeploy-ends">
      {`${formatFigure(interval.low)} – ${formatFigure(interval.high)}`}
    </div>
  ) : null;
}

function Classes({ report }: { report: EvaluationReport }): JSX.Element {
  const trans = useTrans();
  const boxes = report.kind === 'detection';
  const heads = boxes
    ? [trans.__('AP 0.5'), trans.__('AP 0.5–0.95'), trans.__('Boxes')]
    : [trans.__('Precision'), trans.__('Recall'), trans.__('F1'), trans.__('Held out')];
  const more = report.per_class.length - SHOWN_CLASSES;
  return (
    <table className="jp-ModelDeploy-table">
      <caption>
        {more > 0
          ? trans.__('Each class: the first %1, and %2 more', SHOWN_CLASSES, more)
          : trans.__('Each class')}
      </caption>
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
                <td key={heads[index]}>{formatFigure(value)}</td>
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
        {report.worst.map((mistake, index) => (
          <tr key={index}>
            <th scope="row">{mistake.text || mistake.row}</th>
            {told && <td>{trans.__('%1, not %2', mistake.answered, mistake.wanted)}</td>}
            <td>{formatFigure(mistake.score)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
