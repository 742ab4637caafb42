import type { Version } from '../core/types';
import { useApi, useInsertCode } from './contexts';
import { useAction, type Action } from './useAction';

/** What is done with a version at once. */
export interface VersionActions {
  /** Under its model's name. */
  serve: Action<[]>;
  insertLoader: Action<[]>;
  insertTraining: Action<[]>;
}

export function useVersionActions(version: Version): VersionActions {
  const api = useApi();
  const insertCode = useInsertCode();
  return {
    serve: useAction(async () => {
      await api.serve(version.model, version.model, version.number);
    }),
    insertLoader: useAction(async () => {
      await insertCode(await api.loader(version.ref));
    }),
    insertTraining: useAction(async () => {
      await insertCode(await api.trainingCode(version.ref));
    })
  };
}
