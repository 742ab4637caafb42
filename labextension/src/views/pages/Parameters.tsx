import type { JSX } from 'react';
import { said } from '../../core/said';
import { useOpenPage, useTrans } from '../contexts';

/** What an action was told or what came of it, as far as that is text and numbers; versions lead to their models. */
export function Parameters({
  label,
  values
}: {
  label: string;
  values: Record<string, unknown>;
}): JSX.Element | null {
  const trans = useTrans();
  const openPage = useOpenPage();
  const told = toldOf(values);
  return told.length === 0 ? null : (
    <dl className="jp-ModelDeploy-facts" aria-label={label}>
      {told.map(([name, text]) => {
        const model = VERSIONS.includes(name) && /^([^@\s]+)@\d+$/.exec(text)?.[1];
        return (
          <div key={name}>
            <dt>{said(name.replace(/_/g, ' '), trans)}</dt>
            <dd>
              {model && openPage ? (
                <button
                  type="button"
                  className="jp-ModelDeploy-textLink"
                  onClick={() => {
                    openPage({ page: 'model', name: model });
                  }}
                >
                  {text}
                </button>
              ) : (
                text
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

/** What of the values is told, by name. */
export function toldOf(values: Record<string, unknown>): [string, string][] {
  return Object.entries(values).flatMap(([name, value]): [string, string][] => {
    const text = textOf(value);
    return text === '' ? [] : [[name, text]];
  });
}

/** Parameters whose value is a version and not a dataset, which is written alike. */
const VERSIONS = ['version', 'base', 'against', 'candidate', 'teacher', 'student', 'model'];
const LONGEST = 200;

/** '' of what is nothing or too much to be told in a line. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  const text = inWords(value);
  return text.length > LONGEST ? '' : text;
}

/** Lists and records in a line, numbers to four digits. */
function inWords(value: unknown): string {
  if (typeof value === 'number') {
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
  }
  if (Array.isArray(value)) {
    return value.map(inWords).join(', ');
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, part]) => `${name.replace(/_/g, ' ')} ${inWords(part)}`)
      .join(', ');
  }
  return String(value);
}
