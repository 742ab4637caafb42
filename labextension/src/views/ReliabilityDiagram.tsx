import type { JSX } from 'react';
import type { Calibration } from '../core/types';
import { useTrans } from './contexts';
import { formatFigure, formatShare } from './format';

const SIDE = 100;

/** How often answers of a confidence are right: a model that can be taken at its word has its bars on the diagonal. */
export function ReliabilityDiagram({ calibration }: { calibration: Calibration }): JSX.Element {
  const trans = useTrans();
  const { ece, bins } = calibration;
  const most = Math.max(1, ...bins.map(bin => bin.count));
  return (
    <figure className="jp-ModelDeploy-figure jp-ModelDeploy-reliability">
      <figcaption>
        {trans.__('Calibration: expected error %1 (0 is best)', formatFigure(ece))}
      </figcaption>
      <svg
        viewBox={`-1 -1 ${SIDE + 2} ${SIDE + 2}`}
        role="img"
        aria-label={[
          trans.__('Calibration, share that is right by confidence'),
          ...bins.map(bin => `${formatShare(bin.confidence, 0)}: ${formatShare(bin.accuracy, 0)}`)
        ].join(', ')}
      >
        <rect className="jp-ModelDeploy-frame" width={SIDE} height={SIDE} />
        {bins.map(bin => (
          <rect
            key={bin.low}
            className="jp-ModelDeploy-binBar"
            x={SIDE * bin.low}
            y={SIDE * (1 - bin.accuracy)}
            width={SIDE * (bin.high - bin.low)}
            height={SIDE * bin.accuracy}
            opacity={0.25 + (0.75 * bin.count) / most}
          >
            <title>
              {trans.__(
                '%1 answers with confidence %2: %3 are right',
                bin.count.toLocaleString(),
                formatShare(bin.confidence),
                formatShare(bin.accuracy)
              )}
            </title>
          </rect>
        ))}
        <path className="jp-ModelDeploy-diagonal" d={`M0 ${SIDE}L${SIDE} 0`} />
      </svg>
      <div className="jp-ModelDeploy-line jp-ModelDeploy-detail" aria-hidden="true">
        <span>0</span>
        <span>{trans.__('confidence')}</span>
        <span>1</span>
      </div>
    </figure>
  );
}
