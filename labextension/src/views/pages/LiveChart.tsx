import type { JSX } from 'react';

const WIDTH = 100;
const HEIGHT = 40;
const ROOM = 3;

/** A line: values of the same moments as those of the others, null where nothing was measured. */
export interface LiveLine {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** The last minutes of a figure, a line for each of a few things; from 0 up. What they are now stands in words beside. */
export function LiveChart({
  title,
  lines,
  format
}: {
  title: string;
  lines: readonly LiveLine[];
  format: (value: number) => string;
}): JSX.Element {
  const top = Math.max(0, ...lines.flatMap(({ values }) => values.map(value => value ?? 0)));
  return (
    <figure className="jp-ModelDeploy-chart">
      <figcaption>
        <span>{title}</span>
        <span className="jp-ModelDeploy-chartValues">
          {lines.map(({ name, values }, index) => {
            const now = values.at(-1);
            return (
              <span key={name} data-arm={index} title={name}>
                {now === null || now === undefined ? '–' : format(now)}
              </span>
            );
          })}
        </span>
      </figcaption>
      <div className="jp-ModelDeploy-plot">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {lines.map(({ name, values }, index) => (
            <path key={name} data-arm={index} d={pathOf(values, top)} />
          ))}
        </svg>
        <span className="jp-ModelDeploy-high">{format(top)}</span>
      </div>
    </figure>
  );
}

function pathOf(values: readonly (number | null)[], top: number): string {
  let drawing = false;
  return values
    .map((value, index) => {
      if (value === null) {
        drawing = false;
        return '';
      }
      const x = (WIDTH * index) / Math.max(1, values.length - 1);
      const y = HEIGHT - ROOM - (top > 0 ? (value / top) * (HEIGHT - 2 * ROOM) : 0);
      const step = `${drawing ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}${drawing ? '' : 'h0.01'}`;
      drawing = true;
      return step;
    })
    .join('');
}
