"""The processors and their queues."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.records import Device
from jupyter_modeldeploy.workspace.room import Room


class Devices(Room):
    def list(self) -> Sequence[Device]:
        """Processors with their use, who holds each and who waits."""
        return [self._with_queue(device) for device in devices.list_devices()]

    def _with_queue(self, device: Device) -> Device:
        queue = [ticket.job for ticket in self._store.leases.queue(device.id)]
        return device.model_copy(update={"holder": queue[0] if queue else None, "waiting": queue[1:]})
