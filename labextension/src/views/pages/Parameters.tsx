import type { JSX } from 'react';
import { useOpenPage } from '../contexts';

/** What an action was told or what came of it, as far as that is text and numbers; versions lead to their models. */
export function Parameters({
  label,
  values
}: {
  label: string;
  values: Record<string, unknown>;
}): JSX.Element | null {
  const openPage = useOpenPage();
  const told = Object.entries(values).flatMap(([name, value]): [string, string][] => {
    const text = textOf(value);
    return text === '' ? [] : [[name, text]];
  });
  return told.length === 0 ? null : (
    <dl className="jp-ModelDeploy-facts" aria-label={label}>
      {told.map(([name, text]) => {
        const model = VERSIONS.includes(name) && /^([^@\s]+)@\d+$/.exec(text)?.[1];
        return (
          <div key={name}>
            <dt>{name.replace(/_/g, ' ')}</dt>
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

/** Parameters whose value is a version and not a dataset, which is written alike. */
const VERSIONS = ['version', 'base', 'against', 'candidate', 'teacher', 'student', 'model'];
const LONGEST = 200;

/** '' of what is nothing or too much to be told in a line. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '{}' || text === '[]' || text.length > LONGEST ? '' : text;
}
