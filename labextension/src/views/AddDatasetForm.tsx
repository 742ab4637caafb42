import { useState, type JSX } from 'react';
import { asOptions, misfitOf, optionFields } from '../core/optionFields';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { OptionInputs } from './OptionInputs';
import { asNamed, NOTHING_WANTED, SourceFields } from './SourceFields';
import { useAction } from './useAction';
import { useTypedOptions } from './useTypedOptions';

const EXAMPLE = 'file:/data/reviews.csv';
/** What the form asks for in a way of its own. */
const OWN = ['source', 'name'];

/** Starts to add labelled data as a dataset; the options, their ranges and their help are those of the API. */
export function AddDatasetForm({ onAdding }: { onAdding: () => void }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [wanted, setWanted] = useState(NOTHING_WANTED);
  const { schema, missing, typed, onTyped } = useTypedOptions('AddDataset');
  const fields = optionFields(schema).filter(({ name }) => !OWN.includes(name));
  const add = useAction(async () => {
    await api.addDataset({ ...asNamed(wanted), ...asOptions(fields, typed) });
    onAdding();
  });
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Add a dataset')}
      onSubmit={event => {
        event.preventDefault();
        add.run();
      }}
    >
      <SourceFields
        value={wanted}
        example={EXAMPLE}
        help={trans.__('file:/path, hf:datasets/org/name, https://… or pypi:package#path')}
        onChange={setWanted}
      />
      <details className="jp-ModelDeploy-more">
        <summary>{trans.__('More')}</summary>
        <div className="jp-ModelDeploy-fields">
          <OptionInputs
            fields={fields}
            typed={typed}
            unset={trans.__('as the data says')}
            onTyped={onTyped}
          />
        </div>
      </details>
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={add.busy || fields.some(one => misfitOf(one, typed[one.name]) !== null)}
      >
        {trans.__('Add')}
      </button>
      <ErrorNote error={add.error ?? missing} />
    </form>
  );
}
