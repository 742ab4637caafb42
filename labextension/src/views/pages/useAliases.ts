import type { AliasList, Model } from '../../core/types';
import { useApi } from '../contexts';
import { useAnswer, type Answered } from '../useAnswer';
import { useTimes } from '../useTimes';

/** Every alias that a model has, had or has a rule for; asked for again when something about the model has changed, as when
 * one of them moves or somebody asks for that. */
export function useAliases(model: Model): Answered<AliasList> {
  const api = useApi();
  return useAnswer(`${model.name} ${useTimes(model)}`, () => api.aliases(model.name));
}
