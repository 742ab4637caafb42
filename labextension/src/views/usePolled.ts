import { useEffect, useRef, useState, type RefObject } from 'react';
import { asApiError, type ApiError } from '../core/errors';

export interface Polled<T, E extends HTMLElement> {
  /** The last ones, the newest at the end. */
  readonly answers: readonly T[];
  readonly error: ApiError | null;
  /** To be put on an element: nothing is asked while that cannot be seen. */
  readonly ref: RefObject<E>;
}

/** The last `kept` answers to a question that is asked again `everyMs` milliseconds after each, while somebody can see
 * it. */
export function usePolled<T, E extends HTMLElement>(
  key: string,
  everyMs: number,
  kept: number,
  ask: () => Promise<T>
): Polled<T, E> {
  const [polled, setPolled] = useState<Pick<Polled<T, E>, 'answers' | 'error'>>({
    answers: [],
    error: null
  });
  const ref = useRef<E>(null);
  const latest = useRef(ask);
  useEffect(() => {
    latest.current = ask;
  });
  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = (): void => {
      if (document.hidden || ref.current?.offsetParent === null) {
        timer = setTimeout(look, everyMs);
        return;
      }
      latest
        .current()
        .then(answer => {
          if (!gone) {
            setPolled(({ answers }) => ({
              answers: [...answers, answer].slice(-kept),
              error: null
            }));
          }
        })
        .catch((thrown: unknown) => {
          if (!gone) {
            setPolled(({ answers }) => ({ answers, error: asApiError(thrown) }));
          }
        })
        .finally(() => {
          if (!gone) {
            timer = setTimeout(look, everyMs);
          }
        });
    };
    look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [key, everyMs, kept]);
  return { ...polled, ref };
}
