import { useState } from 'react';

/** Whether something is being asked, which is over once it is pointless: a question about a job that has ended meanwhile is
 * not asked again when the job is resumed. */
export function useQuestion(hasPoint: boolean): [boolean, (asking: boolean) => void] {
  const [asking, setAsking] = useState(false);
  if (asking && !hasPoint) {
    setAsking(false);
  }
  return [asking && hasPoint, setAsking];
}
