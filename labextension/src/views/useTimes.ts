import { useState } from 'react';

/** How often a value was another than before: to ask again about what was read anew. */
export function useTimes(value: unknown): number {
  const [seen, setSeen] = useState({ value, times: 0 });
  if (seen.value !== value) {
    setSeen({ value, times: seen.times + 1 });
  }
  return seen.times;
}
