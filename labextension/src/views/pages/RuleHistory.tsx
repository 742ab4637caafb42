import type { JSX } from 'react';
import type { AliasPage } from '../../core/types';
import { useTrans } from '../contexts';
import { RuleLines } from './RuleLines';

/** Every rule that an alias had, the newest first: since when, by whom, what it asked, and why. */
export function RuleHistory({ page: { alias, rules } }: { page: AliasPage }): JSX.Element {
  const trans = useTrans();
  return (
    <table className="jp-ModelDeploy-table" aria-label={trans.__('Rules of %1', alias)}>
      <thead>
        <tr>
          <th scope="col">{trans.__('When')}</th>
          <th scope="col">{trans.__('Who')}</th>
          <th scope="col">{trans.__('Rule')}</th>
          <th scope="col">{trans.__('Why')}</th>
        </tr>
      </thead>
      <tbody>
        {rules.map(({ at, by, rule, reason }) => (
          <tr key={at}>
            <th scope="row">{new Date(at).toLocaleString()}</th>
            <td>{by}</td>
            <td>
              <RuleLines rule={rule} />
            </td>
            <td>{reason}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
