import type { Model, ServedModel, Service } from '../../core/types';
import { useApi } from '../contexts';
import { useAction, type Action } from '../useAction';

/** One of a service's models, and what is known of its versions. */
export interface Served {
  service: Service;
  served: ServedModel;
  model: Model | undefined;
}

/** Changes how a service serves one of its models; `onChanged` once it does. */
export function useServedChange(
  { service, served }: Served,
  onChanged: () => void
): Action<[Partial<ServedModel>]> {
  const api = useApi();
  return useAction(async changes => {
    const models = service.spec.models.map(one =>
      one.model === served.model ? { ...one, ...changes } : one
    );
    await api.changeService(service.name, { models });
    onChanged();
  });
}
