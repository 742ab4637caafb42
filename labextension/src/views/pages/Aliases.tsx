import type { JSX } from 'react';
import type { Model } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAnswer } from '../useAnswer';
import { useTimes } from '../useTimes';
import { AliasItem } from './AliasItem';
import { AnotherRule } from './AnotherRule';

/** Where a model's aliases point and how they came there; asked for again when something about the model has changed, as
 * when one of them moves or somebody asks for that. */
export function Aliases({ model }: { model: Model }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const key = `${model.name} ${useTimes(model)}`;
  const { answer, error } = useAnswer(key, () => api.aliases(model.name));
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
      {answer && <AnotherRule model={model.name} pages={answer.aliases} />}
      <ErrorNote error={error} />
    </>
  );
}
