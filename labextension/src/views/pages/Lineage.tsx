import type { JSX } from 'react';
import { familyOf, type Relative } from '../../core/lineage';
import type { Model } from '../../core/types';
import { useOpenPage, useTrans } from '../contexts';

/** Of a place in the graph and of what is drawn at it, in pixels. */
const WIDTH = 190;
const HEIGHT = 54;
const BOX = { width: 150, height: 42 };

/** What the versions of a model were made of and what was made of them. One of the model's own is chosen with a click,
 * one of another model opens its page. */
export function Lineage({
  models,
  name,
  chosen,
  onChoose
}: {
  models: readonly Model[];
  name: string;
  chosen: string;
  onChoose: (ref: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  const family = familyOf(models, name);
  const places = new Map(family.map(one => [one.ref, one]));
  const width = WIDTH * (1 + Math.max(0, ...family.map(({ column }) => column)));
  const height = HEIGHT * (1 + Math.max(0, ...family.map(({ row }) => row)));
  return (
    <div
      className="jp-ModelDeploy-wide"
      role="group"
      tabIndex={0}
      aria-label={trans.__('Lineage of %1', name)}
    >
      <div className="jp-ModelDeploy-lineage" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {family.map(one => {
            const from = one.parent === null ? undefined : places.get(one.parent);
            return from && <path key={one.ref} d={edge(from, one)} />;
          })}
        </svg>
        {family.map(({ ref, version, parent, column, row }) => {
          const own = version?.model === name;
          const step = version?.lineage.step ?? trans.__('not here any more');
          return (
            <button
              key={ref}
              type="button"
              className="jp-ModelDeploy-relative"
              style={{ left: column * WIDTH, top: row * HEIGHT, ...BOX }}
              data-own={own || undefined}
              aria-pressed={own ? ref === chosen : undefined}
              disabled={!version || (!own && !openPage)}
              aria-label={
                parent
                  ? trans.__('%1, %2 from %3', ref, step, parent)
                  : trans.__('%1, %2', ref, step)
              }
              onClick={() => {
                if (own) {
                  onChoose(ref);
                } else if (version) {
                  openPage?.({ page: 'model', name: version.model });
                }
              }}
            >
              <span>{ref}</span>
              <span className="jp-ModelDeploy-detail">{step}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

function edge(from: Relative, to: Relative): string {
  const [x, y] = [from.column * WIDTH + BOX.width, from.row * HEIGHT + BOX.height / 2];
  const [right, down] = [to.column * WIDTH, to.row * HEIGHT + BOX.height / 2];
  const middle = (x + right) / 2;
  return `M${x} ${y}C${middle} ${y} ${middle} ${down} ${right} ${down}`;
}
