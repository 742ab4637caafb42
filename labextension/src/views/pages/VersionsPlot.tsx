import { useState, type JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Version } from '../../core/types';
import { useTrans } from '../contexts';
import type { VersionFigure } from './versionFigures';

/** Room at the edges of the plot, as a share of it. */
const MARGIN = 0.14;

/** Each version as a point over two of its figures, which can be chosen; a point chooses its version. */
export function VersionsPlot({
  versions,
  figures,
  chosen,
  onChoose
}: {
  versions: readonly Version[];
  figures: readonly VersionFigure[];
  chosen: string;
  onChoose: (ref: string) => void;
}): JSX.Element | null {
  const trans = useTrans();
  const [across, setAcross] = useState('');
  const [up, setUp] = useState('');
  const x =
    figures.find(({ key }) => key === across) ?? firstOf(figures, ['run', 'request', 'size']);
  const y = figures.find(({ key }) => key === up) ?? qualityOf(figures, x);
  if (!x || !y) {
    return null;
  }
  const points = versions.flatMap(version => {
    const [left, height] = [x.of(version), y.of(version)];
    return left === null || height === null ? [] : [{ version, left, height }];
  });
  const [low, high] = [rangeOf(points.map(p => p.left)), rangeOf(points.map(p => p.height))];
  return (
    <figure className="jp-ModelDeploy-scatter" aria-label={trans.__('Versions over two figures')}>
      <Axis name={trans.__('Up')} figure={y} figures={figures} onChange={setUp} />
      <div className="jp-ModelDeploy-field2d">
        {points.map(({ version, left, height }) => (
          <button
            key={version.ref}
            type="button"
            className="jp-ModelDeploy-point"
            aria-pressed={version.ref === chosen}
            style={{ left: share(left, low), bottom: share(height, high) }}
            title={told(version, [x, y], trans)}
            aria-label={told(version, [x, y], trans)}
            onClick={() => {
              onChoose(version.ref);
            }}
          >
            <span aria-hidden="true">{`@${version.number}`}</span>
          </button>
        ))}
        <span className="jp-ModelDeploy-high">{y.format(high[1])}</span>
        <span className="jp-ModelDeploy-low">{y.format(high[0])}</span>
      </div>
      <p className="jp-ModelDeploy-line jp-ModelDeploy-detail">
        <span>{x.format(low[0])}</span>
        <span>{x.format(low[1])}</span>
      </p>
      <Axis name={trans.__('Across')} figure={x} figures={figures} onChange={setAcross} />
    </figure>
  );
}

function Axis({
  name,
  figure,
  figures,
  onChange
}: {
  name: string;
  figure: VersionFigure;
  figures: readonly VersionFigure[];
  onChange: (key: string) => void;
}): JSX.Element {
  return (
    <label className="jp-ModelDeploy-field">
      {name}
      <select
        value={figure.key}
        onChange={event => {
          onChange(event.target.value);
        }}
      >
        {figures.map(({ key, name: of }) => (
          <option key={key} value={key}>
            {of}
          </option>
        ))}
      </select>
    </label>
  );
}

type Ends = [number, number];

function firstOf(figures: readonly VersionFigure[], keys: string[]): VersionFigure | undefined {
  return figures.find(({ key }) => keys.includes(key));
}

/** How good the versions are where that is known, else anything but what goes across. */
function qualityOf(
  figures: readonly VersionFigure[],
  across: VersionFigure | undefined
): VersionFigure | undefined {
  const measured = ['size', 'run', 'request', 'rows', 'memory'];
  const judged = figures.filter(({ key }) => !measured.includes(key));
  return (
    firstOf(judged, ['accuracy', 'f1', 'map50']) ?? judged[0] ?? figures.find(one => one !== across)
  );
}

function rangeOf(values: readonly number[]): Ends {
  return [Math.min(...values), Math.max(...values)];
}

function share(value: number, [low, high]: Ends): string {
  const place = high > low ? (value - low) / (high - low) : 0.5;
  return `${100 * (MARGIN + place * (1 - 2 * MARGIN))}%`;
}

function told(version: Version, figures: VersionFigure[], trans: Translation): string {
  const values = figures.map(({ name, of, format }) => {
    const value = of(version);
    return value === null ? '' : trans.__('%1 %2', name, format(value));
  });
  return [version.ref, ...values].join(', ');
}
