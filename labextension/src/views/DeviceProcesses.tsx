import type { JSX } from 'react';
import type { Device, DeviceProcess } from '../core/types';
import { useTrans } from './contexts';
import { formatBytes, formatFigure } from './format';

/** What works on a device: for which job or service, and what it takes. */
export function DeviceProcesses({
  device,
  titles
}: {
  device: Device;
  titles: ReadonlyMap<string, string>;
}): JSX.Element {
  const trans = useTrans();
  const onCpu = device.kind === 'cpu';
  return (
    <table className="jp-ModelDeploy-table" aria-label={trans.__('Processes on %1', device.id)}>
      <thead>
        <tr>
          <th scope="col">{trans.__('Process')}</th>
          {onCpu && <th scope="col">{trans.__('Cores')}</th>}
          <th scope="col">{trans.__('Memory')}</th>
        </tr>
      </thead>
      <tbody>
        {device.processes.map(process => (
          <tr key={process.pid}>
            <th scope="row" title={process.name}>
              {trans.__('%1 (%2)', ownerOf(process, titles), String(process.pid))}
            </th>
            {onCpu && <td>{formatFigure(process.cores)}</td>}
            <td>{process.memory === null ? '' : formatBytes(process.memory)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ownerOf(
  { job, service, name }: DeviceProcess,
  titles: ReadonlyMap<string, string>
): string {
  return job === null ? (service ?? name) : (titles.get(job) ?? job);
}
