import { useCallback, useLayoutEffect, useRef, useState } from 'react';
import { asApiError, type ApiError } from '../core/errors';

export interface Action<Values extends unknown[]> {
  run: (...values: Values) => void;
  busy: boolean;
  /** Why the last run failed; null while it runs and after it went well. */
  error: ApiError | null;
}

/** Something that the user sets off: tells whether it is at work and why it failed. */
export function useAction<Values extends unknown[]>(
  act: (...values: Values) => Promise<void>
): Action<Values> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const latest = useRef(act);
  useLayoutEffect(() => {
    latest.current = act; // before anybody can set it off as it is drawn
  });
  const run = useCallback((...values: Values) => {
    setBusy(true);
    setError(null);
    latest
      .current(...values)
      .catch((thrown: unknown) => {
        setError(asApiError(thrown));
      })
      .finally(() => {
        setBusy(false);
      });
  }, []);
  return { run, busy, error };
}
