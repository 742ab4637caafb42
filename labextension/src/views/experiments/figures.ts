import type { Translation } from '../../core/translation';
import type { Experiment, Interval, MetricComparison } from '../../core/types';
import { formatBytes, formatShare } from '../format';
import { quantityName } from '../quantities';

/** A metric's name in words. */
export function metricText(metric: string, trans: Translation): string {
  switch (metric) {
    case 'latency_ms':
    case 'latency':
      return trans.__('Latency (ms)');
    case 'error_rate':
      return trans.__('Rate of errors');
    case 'latency_p95':
      return trans.__('Latency, 95th percentile (ms)');
    case 'f1_macro':
      return trans.__('Macro F1');
    case 'size_bytes':
      return trans.__('Size');
    case 'confidence':
      return trans.__('Confidence');
    default:
      return quantityName(metric, trans);
  }
}

/** A figure in the metric's unit: `86.4 %`, `12.3 ms`; nothing of what is not known. */
export function formatIn(unit: string, value: number | null): string {
  if (value === null) {
    return '';
  }
  switch (unit) {
    case 'proportion':
      return formatShare(value, 2);
    case 'bytes':
      return formatBytes(value);
    default:
      return withUnit(figure(value), unit);
  }
}

/** A difference with its sign; of shares in percentage points: `+0.12 pp`, `−3.4 ms`. */
export function formatDifference(unit: string, value: number, trans: Translation): string {
  switch (unit) {
    case 'proportion':
      return trans.__('%1 pp', signed(100 * value));
    case 'bytes':
      return (value < 0 ? '−' : '+') + formatBytes(Math.abs(value));
    default:
      return withUnit(signed(value), unit);
  }
}

/** `−0.20 pp (−0.90 to +0.50)`; of what was counted the difference alone. */
export function formatInterval(unit: string, interval: Interval, trans: Translation): string {
  if (interval.low === interval.high) {
    return formatDifference(unit, interval.value, trans);
  }
  const scale = unit === 'proportion' ? 100 : 1;
  return trans.__(
    '%1 (%2 to %3)',
    formatDifference(unit, interval.value, trans),
    signed(scale * interval.low),
    signed(scale * interval.high)
  );
}

export function formatPValue(value: number): string {
  return value >= 0.001 ? value.toFixed(3) : value.toExponential(1);
}

export function formatTime(at: string): string {
  return new Date(at).toLocaleString();
}

export function verdictText({ verdict }: MetricComparison, trans: Translation): string {
  switch (verdict) {
    case 'better':
      return trans.__('better');
    case 'worse':
      return trans.__('worse');
    case 'undecided':
      return trans.__('undecided');
  }
}

export function outcomeText({ outcome }: Experiment, trans: Translation): string {
  switch (outcome) {
    case 'running':
      return trans.__('running');
    case 'paused':
      return trans.__('paused');
    case 'rolled back':
      return trans.__('rolled back');
    case 'promoted':
      return trans.__('promoted');
    case 'ended':
      return trans.__('ended');
    case 'stopped':
      return trans.__('stopped');
  }
}

function withUnit(text: string, unit: string): string {
  return unit ? `${text} ${unit}` : text;
}

function signed(value: number): string {
  return (value > 0 ? '+' : '') + figure(value).replace('-', '−');
}

function figure(value: number): string {
  return value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
}
