import { useState, type JSX } from 'react';
import type { AliasPage } from '../../core/types';
import { useTrans } from '../contexts';
import { PageButton } from './PageButton';
import { RuleForm } from './RuleForm';
import { RuleLines } from './RuleLines';

/** What must hold before an alias moves, and the form that says it anew. */
export function AliasRule({
  page
}: {
  page: Pick<AliasPage, 'model' | 'alias' | 'rule'>;
}): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  return (
    <>
      <RuleLines rule={page.rule} />
      <PageButton
        text={trans.__('Rule')}
        label={trans.__('Rule of %1', page.alias)}
        expanded={open}
        onClick={() => {
          setOpen(!open);
        }}
      />
      {open && (
        <RuleForm
          page={page}
          onSet={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}
