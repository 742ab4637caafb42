import type { Translation } from '../../core/translation';
import type { ServedModel } from '../../core/types';

/** What says who gets which version beside the split; '' where nothing does. */
export function routingText({ rules, namespace, shadow }: ServedModel, trans: Translation): string {
  const told = [
    rules.length > 0 && trans._n('%1 rule', '%1 rules', rules.length, rules.length),
    namespace && trans.__('the namespace %1', namespace.id),
    shadow.length > 0 && trans.__('copies to @%1', shadow.map(one => one.version).join(', @'))
  ].filter(Boolean);
  return told.length > 0 ? trans.__('Routing: %1', told.join(', ')) : '';
}
