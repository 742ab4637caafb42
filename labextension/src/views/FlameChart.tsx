import { useId, useMemo, useState, type JSX, type KeyboardEvent } from 'react';
import type { Span } from '../core/types';
import { useTrans } from './contexts';
import { formatFigure } from './format';
import { barsOf, type Bar } from './operatorGroups';

const ROW = 18;
const TONES = 6;
/** Of the width: what is narrower cannot be seen. */
const NARROWEST = 0.0005;
const LABELLED = 0.04;

interface Range {
  from: number;
  to: number;
}

/** One run as it went, calls below the blocks that they belong to. Arrow keys go from call to call, Enter looks closer,
 * Escape shows the whole run again; the table beside it has the same times in words. */
export function FlameChart({ timeline }: { timeline: readonly Span[] }): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const bars = useMemo(() => barsOf(timeline), [timeline]);
  const whole = useMemo(() => wholeOf(bars), [bars]);
  const [range, setRange] = useState<Range | null>(null);
  const [chosen, setChosen] = useState<Bar | null>(null);
  const seen = range ?? whole;
  const width = seen.to - seen.from;
  const rows = Math.max(0, ...bars.map(bar => bar.row)) + 1;
  const lookAt = (bar: Bar): void => {
    setRange({ from: bar.startMs, to: endOf(bar) });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const next = neighbour(bars, chosen, event.key);
    if (next) {
      setChosen(next);
      if (next.startMs < seen.from || endOf(next) > seen.to) {
        setRange(null);
      }
    } else if (event.key === 'Enter' && chosen && chosen.durationMs > 0) {
      lookAt(chosen);
    } else if (event.key === 'Escape' && range) {
      setRange(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <figure className="jp-ModelDeploy-figure">
      <figcaption id={`${id}-caption`}>{trans.__('One run, from left to right')}</figcaption>
      <div
        className="jp-ModelDeploy-flame"
        role="application"
        tabIndex={0}
        aria-labelledby={`${id}-caption`}
        aria-describedby={`${id}-keys`}
        onKeyDown={onKeyDown}
      >
        <svg width="100%" height={rows * ROW} aria-hidden="true">
          {bars
            .filter(bar => bar.durationMs > NARROWEST * width)
            .filter(bar => endOf(bar) > seen.from && bar.startMs < seen.to)
            .map((bar, index) => (
              <svg
                key={index}
                x={`${(100 * (bar.startMs - seen.from)) / width}%`}
                y={bar.row * ROW}
                width={`${(100 * bar.durationMs) / width}%`}
                height={ROW - 1}
                onClick={() => {
                  setChosen(bar);
                }}
                onDoubleClick={() => {
                  lookAt(bar);
                }}
              >
                <rect
                  width="100%"
                  height="100%"
                  data-tone={toneOf(bar)}
                  data-chosen={bar === chosen || undefined}
                />
                {bar.durationMs > LABELLED * width && (
                  <text x={3} y={ROW - 6}>
                    {bar.type || bar.name}
                  </text>
                )}
              </svg>
            ))}
        </svg>
      </div>
      <p id={`${id}-keys`} className="jp-ModelDeploy-detail">
        {trans.__('Arrow keys: from call to call. Enter: look closer. Escape: the whole run.')}
      </p>
      <p className="jp-ModelDeploy-detail" aria-live="polite">
        {chosen &&
          [chosen.type, chosen.name, chosen.layer]
            .filter((part, place, parts) => part && parts.indexOf(part) === place)
            .concat(
              trans.__(
                '%1 ms, %2 ms after the start',
                formatFigure(chosen.durationMs),
                formatFigure(chosen.startMs)
              )
            )
            .join(' · ')}
      </p>
    </figure>
  );
}

function wholeOf(bars: readonly Bar[]): Range {
  return { from: 0, to: Math.max(Number.MIN_VALUE, ...bars.map(endOf)) };
}

function endOf(bar: Bar): number {
  return bar.startMs + bar.durationMs;
}

/** Where an arrow key leads: to what comes before or after in the row, or to what lies above or below. */
function neighbour(bars: readonly Bar[], chosen: Bar | null, key: string): Bar | undefined {
  if (!['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].includes(key)) {
    return undefined;
  }
  if (!chosen) {
    return bars[0];
  }
  const step = key === 'ArrowUp' ? -1 : key === 'ArrowDown' ? 1 : 0;
  const row = bars.filter(bar => bar.row === chosen.row + step);
  if (step) {
    const start = chosen.startMs;
    const over = row.filter(
      bar => bar.startMs < Math.max(endOf(chosen), start + Number.MIN_VALUE) && endOf(bar) > start
    );
    return over[0];
  }
  const place = row.indexOf(chosen);
  return row[place + (key === 'ArrowLeft' ? -1 : 1)];
}

/** Calls of one type have one tone. */
function toneOf({ type, name }: Bar): number {
  let hash = 0;
  for (const letter of type || name) {
    hash = (hash * 31 + letter.charCodeAt(0)) % 9973;
  }
  return type ? hash % TONES : -1;
}
