import { useId, useState, type ReactNode, type JSX } from 'react';
import { Icon } from './Icon';

interface Props {
  title: string;
  /** How many items it lists; null while that is not known. */
  count: number | null;
  /** Buttons at the right end of its header. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One collapsible part of the panel. */
export function Section({ title, count, actions, children }: Props): JSX.Element {
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
          >
            <Icon name="caret" />
            {title}
            {count !== null && <span className="jp-ModelDeploy-count">{count}</span>}
          </button>
        </h2>
        {actions}
      </header>
      <div id={body} hidden={!open}>
        {children}
      </div>
    </section>
  );
}
