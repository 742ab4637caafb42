import { useState, type JSX } from 'react';
import type { Experiment } from '../../core/types';
import { useTrans } from '../contexts';
import { DecisionLog } from './DecisionLog';
import { metricText } from './figures';
import { Guardrails } from './Guardrails';
import { LooksTable } from './LooksTable';
import { MethodNote } from './MethodNote';
import { MetricsTable } from './MetricsTable';
import { ReportPart } from './ReportPart';
import { Segments } from './Segments';
import { SequenceChart } from './SequenceChart';
import { ShareOverTime } from './ShareOverTime';
import { Split } from './Split';

/** What an experiment found: the verdict in words first, then the picture, the tables, and what was done and why. */
export function ExperimentReport({ found }: { found: Experiment }): JSX.Element {
  const trans = useTrans();
  const [chosen, setChosen] = useState('');
  const metric = found.metrics.find(one => one.metric === chosen) ?? found.metrics[0];
  const empty = found.kind === 'live' && found.units.every(count => count === 0);
  return (
    <div className="jp-ModelDeploy-experiment">
      <p className="jp-ModelDeploy-conclusion" role="status">
        {found.verdict}
      </p>
      {empty && (
        <p className="jp-ModelDeploy-empty">
          {trans.__(
            'No unit yet: send requests with the header X-Unit-Id, which says whose they are, and outcomes with the same.'
          )}
        </p>
      )}
      {metric &&
        found.metrics.length > 1 &&
        (metric.looks.length > 0 || metric.segments.length > 0) && (
          <label className="jp-ModelDeploy-field">
            {trans.__('Metric in the picture')}
            <select
              value={metric.metric}
              onChange={event => {
                setChosen(event.target.value);
              }}
            >
              {found.metrics.map(one => (
                <option key={one.metric} value={one.metric}>
                  {metricText(one.metric, trans)}
                </option>
              ))}
            </select>
          </label>
        )}
      {metric && metric.looks.length > 0 && (
        <>
          <SequenceChart metric={metric} />
          <LooksTable metric={metric} />
        </>
      )}
      {found.metrics.length > 0 && <MetricsTable found={found} />}
      {found.guardrails.length > 0 && (
        <ReportPart title={trans.__('Guardrails')}>
          <Guardrails found={found} />
        </ReportPart>
      )}
      {found.decisions.length > 0 && (
        <ReportPart title={trans.__('Traffic and decisions')}>
          <ShareOverTime found={found} />
          <DecisionLog decisions={found.decisions} />
        </ReportPart>
      )}
      {metric && metric.segments.length > 0 && (
        <ReportPart title={trans.__('Parts of the traffic')}>
          <Segments metric={metric} />
        </ReportPart>
      )}
      <ReportPart title={trans.__('How far it can be trusted')}>
        <Split found={found} />
        <MethodNote found={found} />
      </ReportPart>
    </div>
  );
}
