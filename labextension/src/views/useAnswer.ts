import { useEffect, useRef, useState } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import { insist } from '../core/insisting';

export interface Answered<T> {
  /** null until there is one; the one before while `key` is asked about again. */
  readonly answer: T | null;
  readonly error: ApiError | null;
}

/** The answer to a question that is asked at first and again with every other `key`, and until the server is reached. */
export function useAnswer<T>(key: string, ask: () => Promise<T>): Answered<T> {
  const [answered, setAnswered] = useState<Answered<T>>({ answer: null, error: null });
  const latest = useRef(ask);
  useEffect(() => {
    latest.current = ask;
  });
  useEffect(() => {
    const leaving = new AbortController();
    insist(() => latest.current(), leaving.signal)
      .then(answer => {
        if (!leaving.signal.aborted) {
          setAnswered({ answer, error: null });
        }
      })
      .catch((thrown: unknown) => {
        if (!leaving.signal.aborted) {
          setAnswered(({ answer }) => ({ answer, error: asApiError(thrown) }));
        }
      });
    return () => {
      leaving.abort();
    };
  }, [key]);
  return answered;
}
