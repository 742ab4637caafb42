import type { KeyboardEvent } from 'react';

/** Goes from the header of a section to another one, as in an accordion: by arrow, Home and End. */
export function moveAmongHeaders(event: KeyboardEvent<HTMLButtonElement>): void {
  const { currentTarget, key } = event;
  const panel = currentTarget.closest('.jp-ModelDeploy');
  const headers = [
    ...(panel?.querySelectorAll<HTMLButtonElement>('.jp-ModelDeploy-sectionHeader h2 button') ?? [])
  ];
  const at = headers.indexOf(currentTarget);
  const wanted = new Map([
    ['ArrowDown', at + 1],
    ['ArrowUp', at - 1],
    ['Home', 0],
    ['End', headers.length - 1]
  ]).get(key);
  if (wanted !== undefined) {
    event.preventDefault();
    event.stopPropagation();
    headers.at(wanted % headers.length)?.focus();
  }
}
