import { useState, type JSX } from 'react';
import type { Model } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAnswer } from '../useAnswer';
import { AliasItem } from './AliasItem';

/** Where a model's aliases point and how they came there; asked for again when one of them has moved. */
export function Aliases({ model }: { model: Model }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [acted, setActed] = useState(0);
  const key = `${model.name} ${JSON.stringify(model.aliases)} ${acted}`;
  const { answer, error } = useAnswer(key, () => api.aliases(model.name));
  return (
    <>
      {answer?.length === 0 && (
        <p className="jp-ModelDeploy-empty">
          {trans.__('No alias points at a version yet: promote one below.')}
        </p>
      )}
      {answer && answer.length > 0 && (
        <ul role="list" className="jp-ModelDeploy-aliases" aria-label={trans.__('Aliases')}>
          {answer.map(page => (
            <AliasItem
              key={page.alias}
              page={page}
              onActed={() => {
                setActed(acted + 1);
              }}
            />
          ))}
        </ul>
      )}
      <ErrorNote error={error} />
    </>
  );
}
