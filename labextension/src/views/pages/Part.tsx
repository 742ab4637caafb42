import { useContext, useId, type JSX, type ReactNode } from 'react';
import { PageTitleContext } from '../contexts';

/** One part of a page, under a heading; called by that and by the page, since several pages can be in sight. */
export function Part({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  const id = useId();
  const page = useContext(PageTitleContext);
  return (
    <section className="jp-ModelDeploy-part" aria-labelledby={`${id} ${page}`}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}
