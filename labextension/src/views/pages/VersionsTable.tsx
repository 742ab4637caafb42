import { useState, type JSX } from 'react';
import { said } from '../../core/said';
import type { Version } from '../../core/types';
import { useTrans } from '../contexts';
import { DeprecatedTag } from '../DeprecatedTag';
import { SortHeading, type Order } from '../SortHeading';
import type { VersionFigure } from './versionFigures';

/** The versions side by side, sorted by whatever column is asked for; unknown figures stay at the end. */
export function VersionsTable({
  versions,
  figures,
  chosen,
  onChoose
}: {
  versions: readonly Version[];
  figures: readonly VersionFigure[];
  chosen: string;
  onChoose: (ref: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const [order, setOrder] = useState<Order>({ key: 'number', descending: true });
  const sorted = inOrder(versions, figures, order);
  const heading = (key: string, name: string): JSX.Element => (
    <SortHeading key={key} column={key} name={name} order={order} onOrder={setOrder} />
  );
  return (
    <div
      className="jp-ModelDeploy-wide"
      tabIndex={0}
      role="group"
      aria-label={trans.__('Versions')}
    >
      <table className="jp-ModelDeploy-table jp-ModelDeploy-versions">
        <thead>
          <tr>
            {heading('number', trans.__('Version'))}
            <th scope="col">{trans.__('Made by')}</th>
            <th scope="col">{trans.__('Format')}</th>
            {figures.map(({ key, name }) => heading(key, name))}
          </tr>
        </thead>
        <tbody>
          {sorted.map(version => (
            <tr key={version.ref} data-chosen={version.ref === chosen || undefined}>
              <th scope="row">
                <button
                  type="button"
                  className="jp-ModelDeploy-link"
                  aria-pressed={version.ref === chosen}
                  onClick={() => {
                    onChoose(version.ref);
                  }}
                >
                  {version.ref}
                </button>
                {version.deprecated && ' '}
                <DeprecatedTag version={version} />
              </th>
              <td>{said(version.lineage.step, trans)}</td>
              <td>{version.format}</td>
              {figures.map(({ key, of, format }) => {
                const value = of(version);
                return <td key={key}>{value === null ? '' : format(value)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inOrder(
  versions: readonly Version[],
  figures: readonly VersionFigure[],
  { key, descending }: Order
): Version[] {
  const of = figures.find(figure => figure.key === key)?.of ?? ((one: Version) => one.number);
  const sign = descending ? -1 : 1;
  return [...versions].sort((a, b) => {
    const [one, other] = [of(a), of(b)];
    if (one === null || other === null) {
      return Number(one === null) - Number(other === null);
    }
    return sign * (one - other) || b.number - a.number;
  });
}
