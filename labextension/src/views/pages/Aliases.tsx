import type { JSX } from 'react';
import type { Model } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAnswer } from '../useAnswer';
import { useTimes } from '../useTimes';
import { AliasItem } from './AliasItem';
import { AliasRule } from './AliasRule';
import { NO_RULE } from './ruleFields';

/** The alias that is asked about before any was set. */
const FIRST = { alias: 'production', rule: NO_RULE };

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
        <>
          <p className="jp-ModelDeploy-empty">
            {trans.__('No alias points at a version yet: promote one below.')}
          </p>
          <AliasRule page={{ model: model.name, ...FIRST }} />
        </>
      )}
      {answer && answer.aliases.length > 0 && (
        <ul role="list" className="jp-ModelDeploy-aliases" aria-label={trans.__('Aliases')}>
          {answer.aliases.map(page => (
            <AliasItem key={page.alias} page={page} person={answer.person} />
          ))}
        </ul>
      )}
      <ErrorNote error={error} />
    </>
  );
}
