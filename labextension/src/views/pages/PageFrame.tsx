import type { JSX, ReactNode } from 'react';

/** The heading of a page with what it is about, what can be done with it, and the page below. */
export function PageFrame({
  title,
  facts,
  actions,
  children
}: {
  title: string;
  /** A line below the title. */
  facts?: ReactNode;
  /** Buttons beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}): JSX.Element {
  return (
    <article className="jp-ModelDeploy-page" aria-label={title}>
      <header className="jp-ModelDeploy-pageHeader">
        <h1>{title}</h1>
        {actions && <div className="jp-ModelDeploy-actions">{actions}</div>}
        {facts && <div className="jp-ModelDeploy-detail">{facts}</div>}
      </header>
      {children}
    </article>
  );
}
