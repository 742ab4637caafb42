import type { JSX } from 'react';
import type { Experiment } from '../../core/types';
import { useTrans } from '../contexts';
import { formatShare } from '../format';
import { HEIGHT, point, WIDTH } from './sequence';

const ROOM = 3;

/** The candidate's share of the traffic since the start, with the steps that are planned; the decisions below say the
 * same in words. */
export function ShareOverTime({ found }: { found: Experiment }): JSX.Element | null {
  const trans = useTrans();
  const { decisions, steps } = found;
  const first = decisions[0];
  const last = decisions.at(-1);
  if (!first || !last) {
    return null;
  }
  const [from, to] = [Date.parse(first.at), Date.parse(found.updated_at ?? last.at)];
  const x = (at: string): number =>
    to > from ? (WIDTH * (Date.parse(at) - from)) / (to - from) : 0;
  const y = (share: number): number => HEIGHT - ROOM - (HEIGHT - 2 * ROOM) * share;
  const [start, ...others] = decisions;
  const path = others
    .map(({ at, share }) => `H${x(at).toFixed(2)}V${y(share).toFixed(2)}`)
    .join('');
  return (
    <figure className="jp-ModelDeploy-chart jp-ModelDeploy-sequence">
      <figcaption>
        <span>{trans.__('Traffic to %1', found.candidate)}</span>
        <span className="jp-ModelDeploy-chartValues">{formatShare(last.share, 0)}</span>
      </figcaption>
      <div className="jp-ModelDeploy-plot jp-ModelDeploy-still">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {steps.map(share => (
            <path key={share} data-line="estimate" d={`M${point(0, y(share))}H${WIDTH}`} />
          ))}
          <path data-line="training" d={`M${point(0, y(start?.share ?? 0))}${path}H${WIDTH}`} />
        </svg>
        <span className="jp-ModelDeploy-high">{formatShare(1, 0)}</span>
        <span className="jp-ModelDeploy-low">{formatShare(0, 0)}</span>
      </div>
    </figure>
  );
}
