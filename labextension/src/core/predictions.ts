/** What was found in an image, in its own pixels. */
export interface Box {
  label: string;
  score: number;
  /** The left upper corner and the right lower one: x, y, x, y. */
  box: [number, number, number, number];
}

/** The labels with their scores, the likeliest first; null for an answer of another kind. */
export function scoresOf(prediction: unknown): [string, number][] | null {
  if (typeof prediction !== 'object' || prediction === null || !('scores' in prediction)) {
    return null;
  }
  return Object.entries(prediction.scores as Record<string, number>).sort((a, b) => b[1] - a[1]);
}

/** The boxes of an answer, the likeliest first; none of an answer of another kind. */
export function boxesOf(prediction: unknown): Box[] {
  if (typeof prediction !== 'object' || prediction === null || !('boxes' in prediction)) {
    return [];
  }
  return prediction.boxes as Box[];
}
