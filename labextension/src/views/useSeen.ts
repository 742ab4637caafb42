import { useEffect, useState, type RefObject } from 'react';

/** Whether the element can be seen: it is drawn, scrolled into sight, and its window is in front. */
export function useSeen(element: RefObject<Element>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const watched = element.current;
    if (!watched) {
      return;
    }
    let inSight = false;
    const tell = (): void => {
      setSeen(inSight && !document.hidden);
    };
    const observer = new IntersectionObserver(entries => {
      inSight = entries.at(-1)?.isIntersecting ?? false;
      tell();
    });
    observer.observe(watched);
    document.addEventListener('visibilitychange', tell);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', tell);
    };
  }, [element]);
  return seen;
}
