import { said } from '../core/said';
import type { Translation } from '../core/translation';
import { formatBytes, formatShare } from './format';

/** What a series measures, in words. */
export function quantityName(quantity: string, trans: Translation): string {
  switch (quantity) {
    case 'loss':
      return trans.__('Loss');
    case 'accuracy':
      return trans.__('Accuracy');
    case 'learning_rate':
      return trans.__('Learning rate');
    case 'grad_norm':
      return trans.__('Gradient norm');
    case 'samples_per_second':
      return trans.__('Rows per second');
    case 'memory_bytes':
      return trans.__('Memory');
    case 'device_utilization':
      return trans.__('Device use');
    case 'perplexity':
      return trans.__('Perplexity');
    default:
      return said(quantity.replace(/_/g, ' '), trans);
  }
}

/** A value of a series in its unit. */
export function formatMeasured(quantity: string, value: number): string {
  if (quantity.endsWith('_bytes')) {
    return formatBytes(value);
  }
  if (quantity === 'device_utilization') {
    return formatShare(value, 0);
  }
  const small = value !== 0 && Math.abs(value) < 0.001;
  return small
    ? value.toExponential(1)
    : value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
}
