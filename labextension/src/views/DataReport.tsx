import type { JSX } from 'react';
import { said } from '../core/said';
import type { Translation } from '../core/translation';
import type { Dataset } from '../core/types';
import { useTrans } from './contexts';

const SHOWN_CLASSES = 20;

/** What was found in a dataset: its split, its classes by side, how long or large its examples are, and warnings. */
export function DataReport({ dataset }: { dataset: Dataset }): JSX.Element {
  const trans = useTrans();
  const classes = classesOf(dataset);
  const sides = Object.keys(dataset.report?.classes ?? {});
  return (
    <>
      <dl
        className="jp-ModelDeploy-facts"
        aria-label={trans.__('What is known of %1', dataset.name)}
      >
        {factsOf(dataset, trans).map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      {classes.length > 0 && (
        <table className="jp-ModelDeploy-table">
          <caption>{trans.__('Examples of each class')}</caption>
          <thead>
            <tr>
              <th scope="col">{trans.__('Class')}</th>
              {sides.map(side => (
                <th key={side} scope="col">
                  {said(side, trans)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {classes.slice(0, SHOWN_CLASSES).map(([name, counts]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {counts.map((count, side) => (
                  <td key={sides[side]}>{count.toLocaleString()}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {dataset.report?.warnings.map(warning => (
        <p key={warning} className="jp-ModelDeploy-warning">
          {warning}
        </p>
      ))}
    </>
  );
}

/** Each class with its count on every side, in the order of the names. */
function classesOf(dataset: Dataset): [string, number[]][] {
  const sides = Object.values(dataset.report?.classes ?? {});
  const names = new Set(sides.flatMap(counts => Object.keys(counts)));
  return [...names].sort().map(name => [name, sides.map(counts => counts[name] ?? 0)]);
}

function factsOf(dataset: Dataset, trans: Translation): [string, string][] {
  const spreads = dataset.report?.distributions ?? [];
  const shown = (value: number): string =>
    value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
  return [
    [trans.__('Format'), dataset.format],
    [trans.__('Source'), dataset.source],
    [
      trans.__('Split'),
      Object.entries(dataset.splits)
        .map(([side, count]) => `${count.toLocaleString()} ${said(side, trans)}`)
        .join(', ')
    ],
    ...spreads.map(({ of, unit, minimum, median, maximum }): [string, string] => [
      said(of, trans),
      trans.__(
        '%1 to %2 %3, median %4',
        shown(minimum),
        shown(maximum),
        said(unit, trans),
        shown(median)
      )
    ])
  ];
}
