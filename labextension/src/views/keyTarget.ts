/** Which of `count` places in a picture an arrow key, Home or End leads to from `place`; null for any other key. */
export function keyTarget(key: string, place: number, count: number): number | null {
  const targets: Record<string, number> = {
    ArrowLeft: place - 1,
    ArrowDown: place - 1,
    ArrowRight: place + 1,
    ArrowUp: place + 1,
    Home: 0,
    End: count - 1
  };
  const target = targets[key];
  return target === undefined ? null : Math.min(count - 1, Math.max(0, target));
}
