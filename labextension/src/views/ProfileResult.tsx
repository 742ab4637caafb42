import type { JSX } from 'react';
import type { Job, Profile } from '../core/types';
import type { Translation } from '../core/translation';
import { useTrans } from './contexts';
import { FlameChart } from './FlameChart';
import { formatBytes, formatFigure, formatShare } from './format';
import { ModelGraph } from './ModelGraph';
import { OperatorsTable } from './OperatorsTable';

/** What a profile measured: how a version answers, what it takes, and where its time goes. */
export function ProfileResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const profile = job.result?.profile as Profile | undefined;
  if (!profile) {
    return <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>;
  }
  // One that an earlier release kept has none.
  const timeline = profile.timeline as Profile['timeline'] | undefined;
  return (
    <>
      <dl
        className="jp-ModelDeploy-facts"
        aria-label={trans.__('What is known of %1', profile.version)}
      >
        {factsOf(profile, trans).map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      {timeline && timeline.length > 0 && <FlameChart timeline={timeline} />}
      {profile.run && <ModelGraph job={job.id} version={profile.version} run={profile.run} />}
      <OperatorsTable operators={profile.operators} />
    </>
  );
}

function factsOf(
  { latency, throughput, run, memory, peak_memory_bytes: peak }: Profile,
  trans: Translation
): [string, string][] {
  const facts: [string, string][] = [];
  if (latency && throughput) {
    facts.push(
      [trans.__('Request, median (ms)'), formatFigure(latency.p50)],
      [trans.__('Request, 99 % (ms)'), formatFigure(latency.p99)],
      [trans.__('Requests per second'), formatFigure(throughput.throughput_rps)]
    );
  }
  if (run) {
    facts.push(
      [trans.__('Run (ms)'), formatFigure(run.run_ms)],
      [trans.__('Rows add up within'), formatShare(Math.abs(run.sum_ms / run.run_ms - 1))]
    );
  }
  facts.push([trans.__('Memory'), formatBytes(peak)]);
  if (memory) {
    facts.push(
      [trans.__('Weights'), formatBytes(Math.max(0, memory.weights_bytes))],
      [trans.__('Activations'), formatBytes(Math.max(0, memory.activations_bytes))],
      [trans.__('Runtime'), formatBytes(memory.interpreter_bytes + memory.runtime_bytes)]
    );
    if (memory.leak) {
      facts.push([
        trans.__('Leak'),
        memory.leak.leaks
          ? trans.__('%1 a call', formatBytes(memory.leak.bytes_per_call.value))
          : trans.__('none in %1 calls', memory.leak.calls)
      ]);
    }
  }
  return facts;
}
