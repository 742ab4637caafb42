import { useId, type JSX, type ReactNode } from 'react';
import { PageTitleContext } from '../contexts';

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
  const id = useId();
  return (
    <article className="jp-ModelDeploy-page" aria-labelledby={id}>
      <header className="jp-ModelDeploy-pageHeader">
        <h1 id={id}>{title}</h1>
        {actions && <div className="jp-ModelDeploy-actions">{actions}</div>}
        {facts && <div className="jp-ModelDeploy-detail">{facts}</div>}
      </header>
      <PageTitleContext.Provider value={id}>{children}</PageTitleContext.Provider>
    </article>
  );
}
