import { useSyncExternalStore, type JSX } from 'react';
import type { Api } from '../core/api';
import type { Live } from '../core/live';
import type { Translation } from '../core/translation';
import { Connection } from './Connection';
import {
  ApiContext,
  FollowMetricsContext,
  InsertCodeContext,
  TranslationContext,
  type InsertCode
} from './contexts';
import { DatasetsSection } from './DatasetsSection';
import { JobsSection } from './JobsSection';
import { ModelsSection } from './ModelsSection';
import { ServicesSection } from './ServicesSection';

/** The workspace at a glance: what there is, what is at work, what is served. */
export function Panel({
  api,
  live,
  insertCode,
  trans
}: {
  api: Api;
  live: Live;
  insertCode: InsertCode;
  trans: Translation;
}): JSX.Element {
  const workspace = useSyncExternalStore(live.subscribe, live.snapshot);
  return (
    <ApiContext.Provider value={api}>
      <TranslationContext.Provider value={trans}>
        <InsertCodeContext.Provider value={insertCode}>
          <FollowMetricsContext.Provider value={live.followMetrics}>
            <div className="jp-ModelDeploy">
              <Connection workspace={workspace} />
              <ModelsSection models={workspace.models} />
              <DatasetsSection datasets={workspace.datasets} />
              <JobsSection jobs={workspace.jobs} />
              <ServicesSection services={workspace.services} models={workspace.models} />
            </div>
          </FollowMetricsContext.Provider>
        </InsertCodeContext.Provider>
      </TranslationContext.Provider>
    </ApiContext.Provider>
  );
}
