import { useId, useState, type ReactNode, type JSX } from 'react';
import { useTrans } from './contexts';
import { Icon } from './Icon';
import { IconButton } from './IconButton';
import { moveAmongHeaders } from './sectionKeys';
import type { Filter } from './useFilter';

interface Props {
  title: string;
  /** How many items it lists; null while that is not known. */
  count: number | null;
  /** What is going on in it: "2 running". */
  active?: string | undefined;
  filter?: Filter;
  /** Buttons at the right end of its header. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One collapsible part of the panel. */
export function Section({ title, count, active, filter, actions, children }: Props): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(true);
  const body = useId();
  return (
    <section className="jp-ModelDeploy-section" aria-label={title}>
      <header className="jp-ModelDeploy-sectionHeader">
        <h2>
          <button
            type="button"
            aria-expanded={open}
            aria-controls={body}
            onClick={() => {
              setOpen(!open);
            }}
            onKeyDown={moveAmongHeaders}
          >
            <Icon name="caret" />
            {title}
            {count !== null && (
              <span className="jp-ModelDeploy-count">
                {filter?.text ? trans.__('%1 of %2', filter.matching, count) : count}
              </span>
            )}
            {active && <span className="jp-ModelDeploy-active">{active}</span>}
          </button>
        </h2>
        {filter && Boolean(count) && (
          <IconButton
            icon="filter"
            label={trans.__('Filter: %1', title)}
            expanded={filter.shown}
            onClick={filter.toggle}
          />
        )}
        {actions}
      </header>
      <div id={body} hidden={!open}>
        {filter?.shown && <FilterField title={title} filter={filter} />}
        {children}
      </div>
    </section>
  );
}

function FilterField({ title, filter }: { title: string; filter: Filter }): JSX.Element {
  const trans = useTrans();
  return (
    <div className="jp-ModelDeploy-filter">
      <input
        ref={focus}
        type="search"
        aria-label={trans.__('Words that are in what is listed: %1', title)}
        placeholder={trans.__('Filter')}
        spellCheck={false}
        value={filter.text}
        onChange={event => {
          filter.setText(event.target.value);
        }}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            filter.toggle();
          }
        }}
      />
      <span className="jp-ModelDeploy-detail" role="status">
        {filter.text && filter.matching === 0 && trans.__('Nothing of that kind.')}
      </span>
    </div>
  );
}

function focus(field: HTMLInputElement | null): void {
  field?.focus();
}
