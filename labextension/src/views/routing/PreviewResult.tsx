import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { RoutingPreview } from '../../core/types';
import { useTrans } from '../contexts';
import { formatShare } from '../format';

type Assignment = RoutingPreview['assignments'][number];

/** The share of each version, and of the first `named` units what each gets and why. */
export function PreviewResult({
  preview,
  named
}: {
  preview: RoutingPreview;
  named: number;
}): JSX.Element {
  const trans = useTrans();
  const { model, assignments, shares, shadow } = preview;
  const all = shares.reduce((sum, { units }) => sum + units, 0);
  const shown = shares.map(({ version, share }) =>
    trans.__('%1: %2', `${model}@${version}`, formatShare(share.value))
  );
  return (
    <>
      <p role="status">
        {trans.__('Of %1 units:', all.toLocaleString())} {shown.join(' · ')}
        {shadow.length > 0 && (
          <>
            {' · '}
            {trans.__('copies to %1', shadow.map(number => `${model}@${number}`).join(', '))}
          </>
        )}
      </p>
      {named > 0 && (
        <table className="jp-ModelDeploy-table" aria-label={trans.__('What each unit gets')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Unit')}</th>
              <th scope="col">{trans.__('Version')}</th>
              <th scope="col">{trans.__('Why')}</th>
            </tr>
          </thead>
          <tbody>
            {assignments.slice(0, named).map(one => (
              <tr key={one.unit}>
                <th scope="row">{one.unit}</th>
                <td>{one.version === null ? '' : `${model}@${one.version}`}</td>
                <td>{whyText(one, trans)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function whyText({ why, rule, place, experiment }: Assignment, trans: Translation): string {
  switch (why) {
    case 'rule':
      return ruleText(rule ?? '', trans);
    case 'outside the namespace':
      return trans.__('outside the namespace');
    case 'share':
      return experiment
        ? trans.__('its place in the experiment %1, %2', experiment, formatShare(place ?? 0))
        : trans.__('its place in the split, %1', formatShare(place ?? 0));
  }
}

/** A rule by its name; the server calls one that has none by its number. */
function ruleText(rule: string, trans: Translation): string {
  const [, number] = /^rule (\d+)$/.exec(rule) ?? [];
  return number ? trans.__('rule %1', number) : trans.__('the rule %1', rule);
}
