import type { JSX } from 'react';

/** A small curve of shares, 0 at the bottom and 1 at the top, the latest at the right end; `most` fill its width. */
export function Sparkline({
  shares,
  most,
  label
}: {
  shares: readonly number[];
  most: number;
  label: string;
}): JSX.Element {
  const width = Math.max(1, most - 1);
  const first = width - (shares.length - 1);
  const points = shares.map((share, place) => `${first + place},${1 - share}`);
  return (
    <svg
      className="jp-ModelDeploy-sparkline"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${width} 1`}
      preserveAspectRatio="none"
    >
      {shares.length > 1 && <polyline points={points.join(' ')} />}
    </svg>
  );
}
