import { useId, useState, type JSX } from 'react';
import type { Operator } from '../core/types';
import { useTrans } from './contexts';
import { formatBytes, formatFigure, formatShare } from './format';
import { DISPATCH, groupOperators, type Grouping } from './operatorGroups';

const MOST = 20;

/** Where the time of a run goes, by type, layer or operator, with what is reached of the machine's limits. */
export function OperatorsTable({ operators }: { operators: readonly Operator[] }): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const [by, setBy] = useState<Grouping>('type');
  const groups = groupOperators(operators, by, trans.__('no layer'));
  const shown = groups.slice(0, MOST);
  return (
    <>
      <div className="jp-ModelDeploy-fields">
        <label>
          {trans.__('Put together by')}
          <select
            value={by}
            onChange={event => {
              setBy(event.target.value as Grouping);
            }}
          >
            <option value="type">{trans.__('Type')}</option>
            <option value="layer">{trans.__('Layer')}</option>
            <option value="operator">{trans.__('Operator')}</option>
          </select>
        </label>
      </div>
      <div
        className="jp-ModelDeploy-wide"
        role="region"
        tabIndex={0}
        aria-labelledby={`${id}-caption`}
      >
        <table className="jp-ModelDeploy-table" aria-labelledby={`${id}-caption`}>
          <caption id={`${id}-caption`}>
            {trans.__('Where the time of a run goes')}
            {groups.length > shown.length &&
              ` · ${trans.__('%1 of %2', shown.length, groups.length)}`}
          </caption>
          <thead>
            <tr>
              <th scope="col">{trans.__('Operator')}</th>
              <th scope="col">{trans.__('Share')}</th>
              <th scope="col">{trans.__('Time (ms)')}</th>
              <th scope="col">{trans.__('Calls')}</th>
              <th scope="col">{trans.__('GFLOP/s')}</th>
              <th scope="col">{trans.__('GB/s')}</th>
              <th scope="col">{trans.__('Of the limit')}</th>
              <th scope="col">{trans.__('Memory')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((group, index) => (
              <tr key={`${by} ${index}`}>
                <th scope="row" title={group.detail || undefined}>
                  {group.name === DISPATCH ? trans.__('between operators') : group.name}
                </th>
                <td>{formatShare(group.share)}</td>
                <td>{formatFigure(group.timeMs)}</td>
                <td>{formatFigure(group.calls)}</td>
                <td>{group.gflops !== null && group.gflops.toFixed(1)}</td>
                <td>{group.gbPerS !== null && group.gbPerS.toFixed(1)}</td>
                <td>{group.ofLimit !== null && formatShare(group.ofLimit, 0)}</td>
                <td>{group.memoryBytes !== null && formatBytes(group.memoryBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
