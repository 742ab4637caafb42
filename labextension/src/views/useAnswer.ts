import { useEffect, useRef, useState } from 'react';
import { asApiError, type ApiError } from '../core/errors';

export interface Answered<T> {
  /** null until there is one; the one before while `key` is asked about again. */
  readonly answer: T | null;
  readonly error: ApiError | null;
}

/** The answer to a question that is asked at first and again with every other `key`. */
export function useAnswer<T>(key: string, ask: () => Promise<T>): Answered<T> {
  const [answered, setAnswered] = useState<Answered<T>>({ answer: null, error: null });
  const latest = useRef(ask);
  useEffect(() => {
    latest.current = ask;
  });
  useEffect(() => {
    let gone = false;
    latest
      .current()
      .then(answer => {
        if (!gone) {
          setAnswered({ answer, error: null });
        }
      })
      .catch((thrown: unknown) => {
        if (!gone) {
          setAnswered(({ answer }) => ({ answer, error: asApiError(thrown) }));
        }
      });
    return () => {
      gone = true;
    };
  }, [key]);
  return answered;
}
