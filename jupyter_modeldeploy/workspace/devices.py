"""The processors, what works on them and their queues."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.records import Device
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace.device_use import DeviceUse
from jupyter_modeldeploy.workspace.room import Room


class Devices(Room):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._use = DeviceUse(store)

    def list(self) -> Sequence[Device]:
        """Processors with their use, the processes of jobs and services on each, who holds it and who waits."""
        return [self._with_queue(device) for device in self._use.read()]

    def _with_queue(self, device: Device) -> Device:
        queue = [ticket.job for ticket in self._store.leases.queue(device.id)]
        return device.model_copy(update={"holder": queue[0] if queue else None, "waiting": queue[1:]})
