import { useEffect, useState } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import { insist } from '../core/insisting';
import type { FinetuneChoices } from '../core/types';
import { useApi } from './contexts';

interface Prepared {
  /** null as long as no dataset is chosen or no answer has come. */
  readonly choices: FinetuneChoices | null;
  readonly error: ApiError | null;
}

/** What there is to choose for a fine-tuning on `dataset`, read again with every change. */
export function useFinetuneChoices(dataset: string, base: string, method: string): Prepared {
  const api = useApi();
  const [prepared, setPrepared] = useState<Prepared & { dataset: string }>({
    dataset: '',
    choices: null,
    error: null
  });
  useEffect(() => {
    const leaving = new AbortController();
    if (dataset !== '') {
      insist(() => api.finetuneChoices(dataset, base, method), leaving.signal)
        .then(choices => {
          if (!leaving.signal.aborted) {
            setPrepared({ dataset, choices, error: null });
          }
        })
        .catch((thrown: unknown) => {
          if (!leaving.signal.aborted) {
            setPrepared({ dataset, choices: null, error: asApiError(thrown) });
          }
        });
    }
    return () => {
      leaving.abort();
    };
  }, [api, dataset, base, method]);
  return prepared.dataset === dataset ? prepared : { choices: null, error: null };
}
