import type { JSX } from 'react';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { PageButton } from '../pages/PageButton';
import { useAction } from '../useAction';

/** Saves what an experiment found by now as one HTML file. */
export function ReportDownload({ id }: { id: string }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const save = useAction(async () => {
    const page = new Blob([await api.experimentPage(id)], { type: 'text/html' });
    const url = URL.createObjectURL(page);
    const link = document.createElement('a');
    link.href = url;
    link.download = `experiment-${id}.html`;
    link.click();
    URL.revokeObjectURL(url);
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
