import type { JSX } from 'react';
import type { AliasList } from '../../core/types';
import { useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import type { Answered } from '../useAnswer';
import { AliasItem } from './AliasItem';
import { AnotherRule } from './AnotherRule';

/** Where the aliases of a model point and how they came there. */
export function Aliases({
  model,
  asked: { answer, error }
}: {
  model: string;
  asked: Answered<AliasList>;
}): JSX.Element {
  const trans = useTrans();
  return (
    <>
      {answer?.aliases.length === 0 && (
        <p className="jp-ModelDeploy-empty">
          {trans.__('No alias points at a version yet: promote one below.')}
        </p>
      )}
      {answer && answer.aliases.length > 0 && (
        <ul role="list" className="jp-ModelDeploy-aliases" aria-label={trans.__('Aliases')}>
          {answer.aliases.map(page => (
            <AliasItem key={page.alias} page={page} person={answer.person} />
          ))}
        </ul>
      )}
      {answer && <AnotherRule model={model} pages={answer.aliases} />}
      <ErrorNote error={error} />
    </>
  );
}
