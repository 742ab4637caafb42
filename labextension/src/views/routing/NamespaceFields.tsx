import type { JSX } from 'react';
import { useTrans } from '../contexts';
import type { RoutingFieldsProps } from './fields';
import { ShareInput } from './ShareInput';

/** Which units take part at all: those of a range of a namespace, which what has another range of it does not share. */
export function NamespaceFields({ name, draft, onChange }: RoutingFieldsProps): JSX.Element {
  const trans = useTrans();
  const { namespace, start, end } = draft;
  return (
    <fieldset>
      <legend>{trans.__('Namespace')}</legend>
      <p className="jp-ModelDeploy-detail">
        {trans.__(
          'Units outside the range get the first version. Services whose ranges of one namespace are apart share no unit.'
        )}
      </p>
      <div className="jp-ModelDeploy-buttons">
        <input
          value={namespace}
          placeholder={trans.__('none: all units take part')}
          spellCheck={false}
          aria-label={trans.__('Namespace of %1', name)}
          onChange={event => {
            onChange({ namespace: event.target.value });
          }}
        />
        {namespace && (
          <>
            <ShareInput
              label={trans.__('from')}
              value={start}
              onChange={typed => {
                onChange({ start: typed });
              }}
            />
            <ShareInput
              label={trans.__('to')}
              value={end}
              onChange={typed => {
                onChange({ end: typed });
              }}
            />
          </>
        )}
      </div>
    </fieldset>
  );
}
