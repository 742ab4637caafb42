import type { JSX } from 'react';
import type { Job, ServedModel } from '../../core/types';
import { useApi, useOpenPage, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAction } from '../useAction';
import { PageButton } from './PageButton';

/** Profiles the versions of a served model, and compares each with the first, under traffic that is made for it; their
 * jobs' pages show what came of it. */
export function Measure({
  service,
  served
}: {
  service: string;
  served: ServedModel;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const openPage = useOpenPage();
  const show = (job: Job): void => {
    openPage?.({ page: 'job', id: job.id });
  };
  const profile = useAction(async (ref: string) => {
    show(await api.profile(ref, service));
  });
  const compare = useAction(async (base: string, candidate: string) => {
    show(await api.compare(service, base, candidate));
  });
  const [base = '', ...candidates] = served.arms.map(arm => `${served.model}@${arm.version}`);
  return (
    <>
      <div className="jp-ModelDeploy-buttons">
        {[base, ...candidates].map(ref => (
          <PageButton
            key={ref}
            text={trans.__('Profile %1', ref)}
            disabled={profile.busy}
            onClick={() => {
              profile.run(ref);
            }}
          />
        ))}
        {candidates.map(ref => (
          <PageButton
            key={ref}
            text={trans.__('Compare %1 with %2', ref, base)}
            disabled={compare.busy}
            onClick={() => {
              compare.run(base, ref);
            }}
          />
        ))}
      </div>
      <ErrorNote error={profile.error ?? compare.error} />
    </>
  );
}
