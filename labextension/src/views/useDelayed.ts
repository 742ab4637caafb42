import { useEffect, useState } from 'react';

const DELAY_MS = 400;

/** What was typed, when nothing was typed for a moment: nobody is to be asked about every letter. */
export function useDelayed(typed: string): string {
  const [late, setLate] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => {
      setLate(typed);
    }, DELAY_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed]);
  return late;
}
