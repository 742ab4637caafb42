import { useEffect, useRef, useState, type JSX, type ReactNode } from 'react';

/** How many items are drawn at first, and more each time that the end comes near. */
const STEP = 60;

interface Props<T> {
  label: string;
  items: readonly T[];
  /** One item, with its key. */
  children: (item: T) => ReactNode;
}

/** A list that may be long: its further items are drawn when its end comes into sight. */
export function GrowingList<T>({ label, items, children }: Props<T>): JSX.Element {
  const [most, setMost] = useState(STEP);
  const end = useRef<HTMLDivElement>(null);
  const more = items.length > most;
  useEffect(() => {
    const place = end.current;
    if (!place) {
      return;
    }
    const seen = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) {
        setMost(drawn => drawn + STEP);
      }
    });
    seen.observe(place);
    return () => {
      seen.disconnect();
    };
  }, [most, more]);
  return (
    <>
      <ul role="list" aria-label={label}>
        {items.slice(0, most).map(children)}
      </ul>
      {more && <div ref={end} className="jp-ModelDeploy-listEnd" />}
    </>
  );
}
