import { useId, type JSX, type ReactNode } from 'react';

/** One part of a page, under a heading. */
export function Part({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  const id = useId();
  return (
    <section className="jp-ModelDeploy-part" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}
