import { useEffect, useRef, type RefObject } from 'react';

const FOCUSABLE =
  ':is(a[href], button, input, select, textarea, summary, [tabindex]):not(:disabled)';

/** Keeps the focus within an element when what had it goes away, as a form that was sent does, or is switched off for as
 * long as it is busy. Without it whoever uses the keyboard would begin anew at the top of the page. */
export function useKeptFocus<E extends HTMLElement>(): RefObject<E> {
  const place = useRef<E>(null);
  useEffect(() => {
    const root = place.current;
    if (!root) {
      return;
    }
    let held: HTMLElement[] = []; // what has the focus, then what is around it, up to the root
    const hold = ({ target }: Event): void => {
      held = target instanceof HTMLElement && root.contains(target) ? upTo(root, target) : [];
    };
    const drop = (): void => {
      held = []; // a click beside everything gives the focus up
    };
    const observer = new MutationObserver(() => {
      const [focused, ...around] = held;
      if (!focused || document.activeElement !== document.body) {
        return;
      }
      if (root.contains(focused)) {
        focused.focus(); // which does nothing while it is switched off
        return;
      }
      const left = around.find(one => one === root || root.contains(one));
      nextTo(left)?.focus();
    });
    observer.observe(root, { subtree: true, childList: true, attributeFilter: ['disabled'] });
    document.addEventListener('focusin', hold);
    document.addEventListener('pointerdown', drop);
    return () => {
      observer.disconnect();
      document.removeEventListener('focusin', hold);
      document.removeEventListener('pointerdown', drop);
    };
  }, []);
  return place;
}

function upTo(root: HTMLElement, element: HTMLElement): HTMLElement[] {
  const { parentElement: around } = element;
  return element === root || !around ? [element] : [element, ...upTo(root, around)];
}

/** The first that can be seen and focused in `left`, else in what is around that. */
function nextTo(left: HTMLElement | null | undefined): HTMLElement | null {
  if (!left) {
    return null;
  }
  const found = [...left.querySelectorAll<HTMLElement>(FOCUSABLE)].find(
    one => one.tabIndex >= 0 && one.checkVisibility()
  );
  return found ?? nextTo(left.parentElement);
}
