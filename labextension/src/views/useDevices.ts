import { useEffect, useState } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import type { Device } from '../core/types';
import { useApi, usePreferences } from './contexts';

export interface DeviceReadings {
  /** As last read; null before the first reading. */
  devices: readonly Device[] | null;
  /** The use of each device by its identifier, 0 to 1, the latest last. */
  history: ReadonlyMap<string, readonly number[]>;
  error: ApiError | null;
}

const NOTHING: DeviceReadings = { devices: null, history: new Map(), error: null };

/** Reads the use of the devices again and again, as long as `wanted`. */
export function useDevices(wanted: boolean): DeviceReadings {
  const api = useApi();
  const { deviceRefresh, deviceHistory } = usePreferences();
  const [readings, setReadings] = useState(NOTHING);
  useEffect(() => {
    if (!wanted) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const read = async (): Promise<void> => {
      const devices = await api.devices();
      if (gone) {
        return; // who looks again reads anew
      }
      setReadings(({ history }) => ({
        devices,
        history: lengthened(history, devices, deviceHistory),
        error: null
      }));
    };
    const again = (): void => {
      read()
        .catch((thrown: unknown) => {
          if (!gone) {
            setReadings(before => ({ ...before, error: asApiError(thrown) }));
          }
        })
        .finally(() => {
          if (!gone) {
            timer = setTimeout(again, 1000 * deviceRefresh);
          }
        });
    };
    again();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [api, wanted, deviceRefresh, deviceHistory]);
  return readings;
}

function lengthened(
  history: DeviceReadings['history'],
  devices: readonly Device[],
  most: number
): DeviceReadings['history'] {
  return new Map(
    devices.map(({ id, utilization }) => {
      const before = history.get(id) ?? [];
      return [id, utilization === null ? before : [...before, utilization].slice(-most)];
    })
  );
}
