import type { JSX } from 'react';
import { useOpenPage, useTrans } from '../contexts';
import { FinetuneForm } from '../FinetuneForm';
import { PageFrame } from './PageFrame';

/** The form that starts a fine-tuning, with room for all of it. */
export function FinetunePage({ base, dataset }: { base?: string; dataset?: string }): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  return (
    <PageFrame title={trans.__('Fine-tune a model')}>
      <FinetuneForm
        base={base}
        dataset={dataset}
        onStarted={job => {
          openPage?.({ page: 'job', id: job.id });
        }}
      />
    </PageFrame>
  );
}
