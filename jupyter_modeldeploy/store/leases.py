"""Devices are leased first come, first served: whoever holds the lowest living ticket for a device has it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import StorageFull, Unavailable
from jupyter_modeldeploy.records import ProcessRef
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.store.database import Database, scalar
from jupyter_modeldeploy.store.tables import leases

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ticket:
    number: int
    device: str
    job: str
    process: ProcessRef


class Leases:
    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, device: str, job_id: str, process: ProcessRef) -> None:
        """Join the queue for `device` on behalf of a job that is being started; nothing happens if it has joined."""
        with self._database.write() as connection:
            if _held(connection, job_id) is None:
                _insert(connection, device, job_id, process)

    def draw(self, device: str, job_id: str, process: ProcessRef) -> None:
        """Join the queue for `device`. A job that has joined already keeps its place, from now on held by `process`."""
        with self._database.write() as connection:
            held = _held(connection, job_id)
            if held is None:
                _insert(connection, device, job_id, process)
            else:
                connection.execute(leases.update().where(leases.c.ticket == held).values(process=process.model_dump()))

    def queue(self, device: str) -> list[Ticket]:
        """The living tickets, the holder first. Tickets of processes that ended without giving back are removed."""
        with self._database.read() as connection:
            tickets = _tickets(connection, device)
        dead = [ticket for ticket in tickets if not processes.alive(ticket.process)]
        for ticket in dead:
            try:
                self._remove(ticket)
            except (StorageFull, Unavailable) as error:
                log.warning("A ticket of the ended job %s stays in the store for now. %s", ticket.job, error)
        return [ticket for ticket in tickets if ticket not in dead]

    def give_back(self, job_id: str) -> None:
        """Leave the queue; for a job without a ticket nothing happens."""
        with self._database.read() as connection:
            tickets = _tickets(connection)
        for ticket in tickets:
            if ticket.job == job_id:
                self._remove(ticket)

    def _remove(self, ticket: Ticket) -> None:
        """Remove this very ticket; one that was redrawn for a new process meanwhile stays."""
        same = (leases.c.ticket == ticket.number) & (leases.c.job == ticket.job)
        with self._database.write() as connection:
            row = connection.execute(select(leases.c.process).where(same)).scalar()
            if row is not None and ProcessRef.model_validate(row) == ticket.process:
                connection.execute(delete(leases).where(same))
                append(connection, "device", ticket.device, "updated")


def _held(connection: Connection, job_id: str) -> int | None:
    ticket: int | None = scalar(connection, select(leases.c.ticket).where(leases.c.job == job_id))
    return ticket


def _insert(connection: Connection, device: str, job_id: str, process: ProcessRef) -> None:
    connection.execute(insert(leases).values(device=device, job=job_id, process=process.model_dump()))
    append(connection, "device", device, "updated")


def _tickets(connection: Connection, device: str | None = None) -> list[Ticket]:
    query = select(leases).order_by(leases.c.ticket)
    if device is not None:
        query = query.where(leases.c.device == device)
    return [
        Ticket(row["ticket"], row["device"], row["job"], ProcessRef.model_validate(row["process"]))
        for row in connection.execute(query).mappings()
    ]
