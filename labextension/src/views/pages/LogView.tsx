import { useEffect, useRef, useState, type JSX } from 'react';
import { useTrans } from '../contexts';

/** More finds than these are counted but not marked: a letter in a long log would be thousands of elements. */
const MOST_MARKS = 1000;
/** As near to the end as this, in pixels, a reader wants to see what comes. */
const AT_END = 24;

/** A log that grows, kept at its end while the reader is there, and searched as one types: Enter goes to the next find,
 * Shift+Enter to the one before. `text` is null until it was read. */
export function LogView({ text, label }: { text: string | null; label: string }): JSX.Element {
  const trans = useTrans();
  const view = useRef<HTMLPreElement>(null);
  const [wanted, setWanted] = useState('');
  const [at, setAt] = useState(0);
  const [following, setFollowing] = useState(true);
  const parts = split(text ?? '', wanted);
  const count = parts.length - 1;
  const place = count > 0 ? ((at % count) + count) % count : 0;

  useEffect(() => {
    if (following && wanted === '') {
      view.current?.scrollTo({ top: view.current.scrollHeight });
    }
  }, [text, following, wanted]);
  useEffect(() => {
    view.current?.querySelector('[data-current]')?.scrollIntoView({ block: 'nearest' });
  }, [wanted, place]);

  return (
    <>
      <div className="jp-ModelDeploy-search">
        <input
          type="search"
          aria-label={trans.__('Search in %1', label)}
          placeholder={trans.__('Search')}
          value={wanted}
          onChange={event => {
            setWanted(event.target.value);
            setAt(0);
          }}
          onKeyDown={event => {
            if (event.key === 'Enter') {
              setAt(place + (event.shiftKey ? -1 : 1));
            }
          }}
        />
        <span role="status" className="jp-ModelDeploy-detail">
          {wanted !== '' &&
            (count > 0 ? trans.__('%1 of %2', place + 1, count) : trans.__('not found'))}
        </span>
      </div>
      <pre
        ref={view}
        className="jp-ModelDeploy-log"
        role="log"
        tabIndex={0}
        aria-label={label}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          setFollowing(scrollHeight - scrollTop - clientHeight < AT_END);
        }}
      >
        {text === null && trans.__('Loading…')}
        {text === '' && trans.__('The log is empty.')}
        {count > MOST_MARKS
          ? text
          : parts.map(({ before, found }, index) => (
              <span key={index}>
                {before}
                {found && <mark data-current={index === place || undefined}>{found}</mark>}
              </span>
            ))}
      </pre>
    </>
  );
}

/** The text in pieces, each but the last with a find after it; the case of letters is no matter. */
function split(text: string, wanted: string): { before: string; found: string }[] {
  const parts: { before: string; found: string }[] = [];
  const [all, sought] = [text.toLowerCase(), wanted.toLowerCase()];
  let from = 0;
  for (let next = sought ? all.indexOf(sought) : -1; next >= 0; next = all.indexOf(sought, from)) {
    parts.push({ before: text.slice(from, next), found: text.slice(next, next + sought.length) });
    from = next + sought.length;
  }
  return [...parts, { before: text.slice(from), found: '' }];
}
