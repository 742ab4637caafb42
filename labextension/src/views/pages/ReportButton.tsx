import type { JSX } from 'react';
import { useApi, useOpenPage, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAction } from '../useAction';
import { PageButton } from './PageButton';

/** Starts the whole report of a service, and opens its job's page. */
export function ReportButton({ service }: { service: string }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const openPage = useOpenPage();
  const report = useAction(async () => {
    openPage?.({ page: 'job', id: (await api.reportOn(service)).id });
  });
  return (
    <>
      <div className="jp-ModelDeploy-buttons">
        <PageButton
          text={trans.__('Profile')}
          label={trans.__('Profile %1', service)}
          main
          disabled={report.busy}
          onClick={report.run}
        />
      </div>
      <ErrorNote error={report.error} />
    </>
  );
}
