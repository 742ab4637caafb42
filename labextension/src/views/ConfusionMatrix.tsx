import { useId, type CSSProperties, type JSX } from 'react';
import type { Confusion } from '../core/types';
import { useTrans } from './contexts';

/** How many rows of each class were answered with which class: the darker, the more of the class. */
export function ConfusionMatrix({ confusion }: { confusion: Confusion }): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const { classes, counts, joined } = confusion;
  return (
    <figure className="jp-ModelDeploy-figure">
      <figcaption id={`${id}-caption`}>
        {trans.__('Confusion: rows are the labels, columns the answers')}
        {joined > 0 && ` · ${trans._n('%1 class joined', '%1 classes joined', joined, joined)}`}
      </figcaption>
      <div
        className="jp-ModelDeploy-wide"
        role="group"
        tabIndex={0}
        aria-labelledby={`${id}-caption`}
      >
        <table
          className="jp-ModelDeploy-table jp-ModelDeploy-confusion"
          aria-labelledby={`${id}-caption`}
        >
          <thead>
            <tr>
              <td />
              {classes.map(name => (
                <th key={name} scope="col" title={name}>
                  <span>{name}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {counts.map((row, label) => (
              <tr key={classes[label]}>
                <th scope="row" title={classes[label]}>
                  {classes[label]}
                </th>
                {row.map((count, answer) => (
                  <td
                    key={classes[answer]}
                    data-right={label === answer || undefined}
                    data-none={count === 0 || undefined}
                    style={shareStyle(count, row)}
                    title={trans.__(
                      '%1 answered with %2: %3',
                      classes[label] ?? '',
                      classes[answer] ?? '',
                      count.toLocaleString()
                    )}
                  >
                    {count.toLocaleString()}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

/** The share of the class, for the style sheet to colour by. */
function shareStyle(count: number, row: number[]): CSSProperties {
  const total = row.reduce((sum, one) => sum + one, 0);
  const share = total > 0 ? Math.round((100 * count) / total) : 0;
  return { '--jp-ModelDeploy-share': `${share}%` } as CSSProperties;
}
