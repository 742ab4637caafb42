import type { JSX } from 'react';
import { said } from '../../core/said';
import type { Translation } from '../../core/translation';
import type { VersionDiff } from '../../core/types';
import { useTrans } from '../contexts';
import { formatBytes, formatFigure } from '../format';

/** Two versions beside each other: what callers meet, figures, facts and settings, files. */
export function DiffResult({ diff }: { diff: VersionDiff }): JSX.Element {
  const trans = useTrans();
  const { before, after } = diff;
  return (
    <>
      <p>
        {diff.relation} {formatBytes(diff.size_before)} → {formatBytes(diff.size_after)}
      </p>
      {diff.callers.length === 0 ? (
        <p>{trans.__('Callers notice nothing.')}</p>
      ) : (
        <ul role="list" aria-label={trans.__('What callers meet')}>
          {diff.callers.map(({ note, breaking, callers }) => (
            <li key={note} className={breaking ? 'jp-ModelDeploy-misfit' : undefined}>
              {breaking ? trans.__('Breaking: %1', note) : note}
              {callers === 'tensors' && ` ${trans.__('(for callers that send tensors)')}`}
            </li>
          ))}
        </ul>
      )}
      {diff.metrics.length > 0 && (
        <table className="jp-ModelDeploy-table" aria-label={trans.__('Figures')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Metric')}</th>
              <th scope="col">{before}</th>
              <th scope="col">{after}</th>
              <th scope="col">{trans.__('Difference')}</th>
              <th scope="col">{trans.__('Interval')}</th>
            </tr>
          </thead>
          <tbody>
            {diff.metrics.map(({ name, before: was, after: now, difference, interval, note }) => (
              <tr key={name} title={note || undefined}>
                <th scope="row">{said(name, trans)}</th>
                <td>{formatFigure(was)}</td>
                <td>{formatFigure(now)}</td>
                <td>{formatFigure(difference)}</td>
                <td>
                  {interval
                    ? `${formatFigure(interval.low)} … ${formatFigure(interval.high)}`
                    : note}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Rows
        label={trans.__('Facts and settings')}
        head={['', before, after]}
        rows={diff.facts.map(fact => [said(fact.name, trans), fact.before, fact.after])}
      />
      <Rows
        label={trans.__('Files that differ')}
        head={[trans.__('File'), before, after]}
        rows={diff.files.map(file => [file.path, sizeOf(file.before), sizeOf(file.after)])}
      />
      <p className="jp-ModelDeploy-detail">{unchanged(diff, trans)}</p>
    </>
  );
}

function Rows({
  label,
  head,
  rows
}: {
  label: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}): JSX.Element | null {
  if (rows.length === 0) {
    return null;
  }
  return (
    <table className="jp-ModelDeploy-table" aria-label={label}>
      <thead>
        <tr>
          {head.map((name, column) =>
            name ? (
              <th key={column} scope="col">
                {name}
              </th>
            ) : (
              <td key={column} />
            )
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, ...cells]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {cells.map((cell, column) => (
              <td key={column}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function sizeOf(bytes: number | null): string {
  return bytes === null ? '' : formatBytes(bytes);
}

function unchanged(diff: VersionDiff, trans: Translation): string {
  return trans._n(
    '%1 file is the same',
    '%1 files are the same',
    diff.unchanged_files,
    diff.unchanged_files
  );
}
