import { useState, type JSX } from 'react';
import type { Translation } from '../core/translation';
import type { Device } from '../core/types';
import { useOpenPage, usePreferences, useTrans } from './contexts';
import { DeviceProcesses } from './DeviceProcesses';
import { formatBytes, formatShare } from './format';
import { Icon } from './Icon';
import { Sparkline } from './Sparkline';

interface Props {
  device: Device;
  /** Its use, 0 to 1, the latest last. */
  history: readonly number[];
  /** The titles of jobs by their identifier. */
  titles: ReadonlyMap<string, string>;
}

/** One processor: how busy it is, how full its memory, which job has it and which wait; unfolds to its processes. */
export function DeviceItem({ device, history, titles }: Props): JSX.Element {
  const trans = useTrans();
  const { deviceHistory } = usePreferences();
  const [open, setOpen] = useState(false);
  const { id, name, memory_used: used, memory_total: total, processes, waiting } = device;
  const use = inUse(device, trans);
  return (
    <li className="jp-ModelDeploy-item jp-ModelDeploy-device" aria-label={id}>
      <div className="jp-ModelDeploy-line">
        <span className="jp-ModelDeploy-name">{id}</span>
        <span className="jp-ModelDeploy-detail">{use}</span>
      </div>
      <div className="jp-ModelDeploy-line jp-ModelDeploy-detail">
        <span title={name}>{name}</span>
        {device.cores !== null && (
          <span>{trans._n('%1 core', '%1 cores', device.cores, device.cores)}</span>
        )}
      </div>
      {history.length > 1 && (
        <Sparkline
          shares={history}
          most={deviceHistory}
          label={trans.__('Use of %1 of late, now %2', id, use)}
        />
      )}
      <div className="jp-ModelDeploy-line jp-ModelDeploy-detail">
        <meter
          aria-label={trans.__('Memory of %1', id)}
          min={0}
          max={total || 1}
          high={0.9 * total}
          value={used}
        />
        <span>{trans.__('%1 of %2', formatBytes(used), formatBytes(total))}</span>
      </div>
      {device.holder && <Holder job={device.holder} titles={titles} waiting={waiting.length} />}
      {processes.length > 0 && (
        <button
          type="button"
          className="jp-ModelDeploy-link"
          aria-expanded={open}
          onClick={() => {
            setOpen(!open);
          }}
        >
          <Icon name="caret" />
          {trans._n('%1 process', '%1 processes', processes.length, processes.length)}
        </button>
      )}
      {open && <DeviceProcesses device={device} titles={titles} />}
    </li>
  );
}

function Holder({
  job,
  titles,
  waiting
}: {
  job: string;
  titles: Props['titles'];
  waiting: number;
}): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  const title = titles.get(job) ?? job;
  return (
    <div className="jp-ModelDeploy-line jp-ModelDeploy-detail">
      {openPage ? (
        <button
          type="button"
          className="jp-ModelDeploy-pageLink"
          onClick={() => {
            openPage({ page: 'job', id: job });
          }}
        >
          {trans.__('Held by %1', title)}
        </button>
      ) : (
        <span>{trans.__('Held by %1', title)}</span>
      )}
      {waiting > 0 && <span>{trans._n('%1 waits', '%1 wait', waiting, waiting)}</span>}
    </div>
  );
}

function inUse({ utilization }: Device, trans: Translation): string {
  return utilization === null
    ? trans.__('use unknown')
    : trans.__('%1 in use', formatShare(utilization, 0));
}
