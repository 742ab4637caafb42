import type { Translation } from '../core/translation';

/** `23.0 MB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 99.95 ? 0 : 1)} ${units[unit] ?? ''}`;
}

/** `1,234`, `45.6K`, `7.8M`. */
export function formatCount(count: number): string {
  return Intl.NumberFormat('en', {
    notation: count < 10_000 ? 'standard' : 'compact',
    maximumFractionDigits: 1
  }).format(count);
}

/** `0.864`; nothing of what is not known. */
export function formatFigure(value: number | null | undefined): string {
  return value === null || value === undefined
    ? ''
    : value.toLocaleString(undefined, { maximumFractionDigits: fractionDigits(Math.abs(value)) });
}

function fractionDigits(size: number): number {
  return size >= 100 ? 1 : size >= 10 ? 2 : 3;
}

/** `86.4 %` of a share from 0 to 1. */
export function formatShare(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** `40 s left`, `3 min left`, `2.5 h left`. */
export function formatTimeLeft(seconds: number, trans: Translation): string {
  if (seconds < 60) {
    return trans.__('%1 s left', Math.ceil(seconds));
  }
  if (seconds < 3600) {
    return trans.__('%1 min left', Math.ceil(seconds / 60));
  }
  return trans.__('%1 h left', (seconds / 3600).toFixed(1));
}
