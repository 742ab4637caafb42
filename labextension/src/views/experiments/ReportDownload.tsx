import type { JSX } from 'react';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { PageButton } from '../pages/PageButton';
import { savePage } from '../savePage';
import { useAction } from '../useAction';

/** Saves what an experiment found by now as one HTML file. */
export function ReportDownload({ id }: { id: string }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const save = useAction(async () => {
    savePage(await api.experimentPage(id), `experiment-${id}.html`);
  });
  return (
    <>
      <PageButton
        text={trans.__('Save the report')}
        disabled={save.busy}
        onClick={() => {
          save.run();
        }}
      />
      <ErrorNote error={save.error} />
    </>
  );
}
