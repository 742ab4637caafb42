import type { Translation } from '../../core/translation';
import type { Measurement, Version } from '../../core/types';
import { formatBytes, formatFigure } from '../format';
import { quantityName } from '../quantities';

/** Something that is known of versions as a number. */
export interface VersionFigure {
  readonly key: string;
  readonly name: string;
  readonly of: (version: Version) => number | null;
  readonly format: (value: number) => string;
}

/** Metrics that stand in a column of their own already, or are the ends of an interval. */
const LEFT_OUT = /_(low|high)$|^(latency|throughput)_|_per_s$/;

/** Metrics of what the version was made of come last. */
const BEFORE = /_before$/;

/** What the versions can be compared by: size, what was measured of their speed, and how good they are. */
export function versionFigures(
  versions: readonly Version[],
  measured: readonly Measurement[],
  trans: Translation
): VersionFigure[] {
  const speed = (of: Measurement['of'], value: (one: Measurement) => number | null) => {
    const found = new Map(
      measured.filter(one => one.of === of).map(one => [one.version, value(one)])
    );
    return (version: Version) => found.get(version.ref) ?? null;
  };
  const known: VersionFigure[] = [
    {
      key: 'size',
      name: trans.__('Size'),
      of: version => version.size_bytes,
      format: formatBytes
    },
    {
      key: 'run',
      name: trans.__('Run (ms)'),
      of: speed('run', one => one.p50_ms),
      format: formatFigure
    },
    {
      key: 'request',
      name: trans.__('Request (ms)'),
      of: speed('request', one => one.p50_ms),
      format: formatFigure
    },
    {
      key: 'rows',
      name: trans.__('Rows per second'),
      of: speed('run', one => one.per_second),
      format: formatFigure
    },
    {
      key: 'memory',
      name: trans.__('Memory'),
      of: version =>
        measured.find(one => one.version === version.ref && one.peak_memory_bytes)
          ?.peak_memory_bytes ?? null,
      format: formatBytes
    },
    ...metricsOf(versions).map(key => ({
      key,
      name: quantityName(key, trans),
      of: (version: Version) => version.metrics[key] ?? null,
      format: formatFigure
    }))
  ];
  return known.filter(figure => versions.some(version => figure.of(version) !== null));
}

function metricsOf(versions: readonly Version[]): string[] {
  const names = new Set(versions.flatMap(version => Object.keys(version.metrics)));
  return [...names]
    .filter(name => !LEFT_OUT.test(name))
    .sort((a, b) => Number(BEFORE.test(a)) - Number(BEFORE.test(b)));
}
