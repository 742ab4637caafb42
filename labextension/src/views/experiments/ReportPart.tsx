import { useId, type JSX, type ReactNode } from 'react';

/** A part of a report that stands within a part of a page or in a list. */
export function ReportPart({
  title,
  children
}: {
  title: string;
  children: ReactNode;
}): JSX.Element {
  const id = useId();
  return (
    <section className="jp-ModelDeploy-reportPart" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  );
}
