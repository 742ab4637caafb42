import type { JSX } from 'react';
import type { Answer } from '../core/types';
import { boxesOf, scoresOf } from '../core/predictions';
import { useTrans } from './contexts';
import { formatShare } from './format';

const MOST_LABELS = 5;
const MOST_CHARACTERS = 400;

/** A service's answer: labels with their scores where there are some, else its JSON, cut to what one can read. */
export function Prediction({ answer }: { answer: Answer }): JSX.Element {
  const trans = useTrans();
  const first = answer.predictions[0];
  const scores = scoresOf(first);
  const boxes = boxesOf(first);
  return (
    <output className="jp-ModelDeploy-prediction">
      {scores ? (
        <ul role="list">
          {scores.slice(0, MOST_LABELS).map(([label, score]) => (
            <li key={label} className="jp-ModelDeploy-line">
              <span>{label}</span>
              <meter min={0} max={1} value={score} aria-label={label} />
              <span>{formatShare(score)}</span>
            </li>
          ))}
        </ul>
      ) : boxes.length > 0 ? (
        <ul role="list">
          {boxes.map(({ label, score }, index) => (
            <li key={index} className="jp-ModelDeploy-line">
              <span>{label}</span>
              <span>{formatShare(score)}</span>
            </li>
          ))}
        </ul>
      ) : (
        <pre>{shortened(JSON.stringify(first))}</pre>
      )}
      <span className="jp-ModelDeploy-detail">{trans.__('answered by %1', answer.version)}</span>
    </output>
  );
}

function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}
