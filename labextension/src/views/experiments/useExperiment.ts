import { useEffect, useState } from 'react';
import { asApiError, type ApiError } from '../../core/errors';
import type { Experiment } from '../../core/types';
import { useApi, useFollowFindings } from '../contexts';

export interface FollowedExperiment {
  /** null until it was read for the first time. */
  readonly found: Experiment | null;
  readonly error: ApiError | null;
}

/** An experiment as it is now: read at once, and again whenever the server says that it was written. */
export function useExperiment(id: string): FollowedExperiment {
  const api = useApi();
  const follow = useFollowFindings();
  const [followed, setFollowed] = useState<FollowedExperiment>({ found: null, error: null });
  useEffect(() => {
    let latest = 0;
    const read = (): void => {
      const asked = (latest += 1);
      api
        .experiment(id)
        .then(found => {
          if (asked === latest) {
            setFollowed({ found, error: null });
          }
        })
        .catch((thrown: unknown) => {
          if (asked === latest) {
            setFollowed(({ found }) => ({ found, error: asApiError(thrown) }));
          }
        });
    };
    const leave = follow(id, read);
    read();
    return () => {
      latest = -1;
      leave();
    };
  }, [api, follow, id]);
  return followed;
}
