import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { AliasMove, AliasPage } from '../../core/types';
import { useTrans } from '../contexts';
import { RuleHistory } from './RuleHistory';

/** Every move of an alias, the newest first: when, who, from where to where, and why; then its rules. */
export function AliasHistory({ page }: { page: AliasPage }): JSX.Element {
  const trans = useTrans();
  return (
    <details>
      <summary>{trans.__('History of %1', page.alias)}</summary>
      <table className="jp-ModelDeploy-table" aria-label={trans.__('Moves of %1', page.alias)}>
        <thead>
          <tr>
            <th scope="col">{trans.__('When')}</th>
            <th scope="col">{trans.__('Who')}</th>
            <th scope="col">{trans.__('What')}</th>
            <th scope="col">{trans.__('Why')}</th>
          </tr>
        </thead>
        <tbody>
          {page.moves.map(move => (
            <tr key={move.id}>
              <th scope="row">{new Date(move.at).toLocaleString()}</th>
              <td>
                {move.approved_by
                  ? trans.__('%1, approved by %2', move.by, move.approved_by)
                  : move.by}
              </td>
              <td>{what(move, trans)}</td>
              <td>{move.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {page.rules.length > 0 && <RuleHistory page={page} />}
    </details>
  );
}

function what({ action, before, after }: AliasMove, trans: Translation): string {
  const [from, to] = [before, after].map(number =>
    number === null ? trans.__('no version') : `@${number}`
  );
  const ends = `${from ?? ''} → ${to ?? ''}`;
  return action === 'roll back' ? trans.__('%1, rolled back', ends) : ends;
}
