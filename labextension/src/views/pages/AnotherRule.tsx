import { useState, type JSX } from 'react';
import type { AliasPage } from '../../core/types';
import { useTrans } from '../contexts';
import { TextField } from '../TextField';
import { PageButton } from './PageButton';
import { RuleForm } from './RuleForm';
import { NO_RULE } from './ruleFields';

/** Sets the rule of an alias that is named, which need not point anywhere yet; of one of `pages` it shows the rule so far. */
export function AnotherRule({
  model,
  pages
}: {
  model: string;
  pages: readonly AliasPage[];
}): JSX.Element {
  const trans = useTrans();
  const [alias, setAlias] = useState<string | null>(null);
  const known = pages.find(page => page.alias === alias);
  return (
    <>
      <PageButton
        text={trans.__('Rule of an alias')}
        expanded={alias !== null}
        onClick={() => {
          setAlias(alias === null ? '' : null);
        }}
      />
      {alias !== null && (
        <div className="jp-ModelDeploy-form" role="group" aria-label={trans.__('Rule of an alias')}>
          <TextField label={trans.__('Alias')} value={alias} onChange={setAlias} />
          {alias && (
            <RuleForm
              key={known?.alias ?? ''}
              page={known ?? { model, alias, rule: NO_RULE }}
              onSet={() => {
                setAlias(null);
              }}
            />
          )}
        </div>
      )}
    </>
  );
}
