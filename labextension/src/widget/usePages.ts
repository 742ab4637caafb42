import { useCallback, useRef } from 'react';
import { pathOf, type Address } from '../core/address';
import type { OpenPage } from '../views/contexts';
import type { TraitModel } from './WidgetPanel';

/** Opens pages in a panel, and goes back to what was open before, at last to the panel's home. */
export function usePages(model: TraitModel): { openPage: OpenPage; goBack: () => void } {
  const trail = useRef<readonly Address[]>([]);
  const show = useCallback(
    (address: Address | null) => {
      model.set('address', address);
      model.save_changes();
    },
    [model]
  );
  const openPage = useCallback(
    (wanted: Address) => {
      const left = model.get('address');
      if (!left) {
        trail.current = [];
      } else if (pathOf(left) !== pathOf(wanted)) {
        trail.current = [...trail.current, left];
      }
      show(wanted);
    },
    [model, show]
  );
  const goBack = useCallback(() => {
    const before = trail.current.at(-1) ?? null;
    trail.current = trail.current.slice(0, -1);
    show(before);
  }, [show]);
  return { openPage, goBack };
}
