import type { JSX } from 'react';
/** Outlines on a grid of 16, drawn in the colour of the text around them. */
const PATHS = {
  add: 'M8 3v10M3 8h10',
  caret: 'M6 4l4 4-4 4',
  check: 'M3 8.5l3.2 3.2L13 5',
  close: 'M4 4l8 8M12 4l-8 8',
  chart: 'M2.5 2.5v11h11M5 10.5l2.5-3 2 1.5 3.5-5',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  code: 'M5.5 4.5L2 8l3.5 3.5M10.5 4.5L14 8l-3.5 3.5',
  filter: 'M2 3h12L9.5 8.5V13l-3-1.5v-3z',
  tune: 'M2 5h6M12 5h2M10 3v4M2 11h2M8 11h6M6 9v4',
  insert: 'M8 2.5v7M5 6.5l3 3 3-3M3 13h10',
  log: 'M3 4h10M3 8h10M3 12h6',
  open: 'M9 2.5h4.5V7M13.5 2.5L7.5 8.5M6 3.5H2.5v10h10V10',
  optimize: 'M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z',
  play: 'M5 3.5v9l7-4.5z',
  resume: 'M12.6 9.5A5 5 0 1 1 12 5M12.5 2v3.5H9',
  stop: 'M4.5 4.5h7v7h-7z'
};

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg
      className="jp-ModelDeploy-icon"
      data-icon={name}
      viewBox="0 0 16 16"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
