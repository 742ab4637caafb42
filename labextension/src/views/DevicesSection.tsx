import { useRef, type JSX } from 'react';
import type { Job } from '../core/types';
import { useTrans } from './contexts';
import { DeviceItem } from './DeviceItem';
import { ErrorNote } from './ErrorNote';
import { Section } from './Section';
import { useDevices } from './useDevices';
import { useSeen } from './useSeen';

/** The processors with their use, read again as long as they can be seen. */
export function DevicesSection({ jobs }: { jobs: readonly Job[] | null }): JSX.Element {
  const trans = useTrans();
  const place = useRef<HTMLDivElement>(null);
  const { devices, history, error } = useDevices(useSeen(place));
  const titles = new Map(jobs?.map(job => [job.id, job.title]));
  return (
    <Section title={trans.__('Devices')} count={devices?.length ?? null}>
      <div ref={place} className="jp-ModelDeploy-devices">
        <ErrorNote error={error} />
        <ul role="list" aria-label={trans.__('Devices')}>
          {devices?.map(device => (
            <DeviceItem
              key={device.id}
              device={device}
              history={history.get(device.id) ?? []}
              titles={titles}
            />
          ))}
        </ul>
      </div>
    </Section>
  );
}
