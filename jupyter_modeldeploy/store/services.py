"""Services: what is wished and what is observed."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, insert, select, update

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.records import Service
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.store.database import Database, refuse_twin, scalar, scalars
from jupyter_modeldeploy.store.tables import services


class Services:
    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> list[Service]:
        with self._database.read() as connection:
            rows = scalars(connection, select(services.c.record).order_by(services.c.name))
        return [Service.model_validate(row) for row in rows]

    def get(self, name: str) -> Service:
        with self._database.read() as connection:
            row = scalar(connection, select(services.c.record).where(services.c.name == name))
            if row is None:
                names = ", ".join(scalars(connection, select(services.c.name).order_by(services.c.name)))
                known = f"There are: {names}." if names else "Start one: modeldeploy serve MODEL --name NAME."
                raise NotFound(f"No service {name!r}.", known)
        return Service.model_validate(row)

    def save(self, service: Service) -> None:
        """Add the service or replace its row. Raises Conflict for a new name like another's but for its case."""
        values = {"record": service.model_dump(mode="json")}
        with self._database.write() as connection:
            changed = connection.execute(update(services).where(services.c.name == service.name).values(values))
            if changed.rowcount == 0:
                refuse_twin(connection, services.c.name, service.name)
                connection.execute(insert(services).values(name=service.name, **values))
            append(connection, "service", service.name, "updated" if changed.rowcount else "created")

    def update(self, name: str, change: Callable[[Service], Service]) -> Service:
        """Replace the row by what `change` makes of it, with no write of another in between; nothing is written where
        it stays the same. Raises NotFound."""
        with self._database.write() as connection:
            row = scalar(connection, select(services.c.record).where(services.c.name == name))
            if row is None:
                raise NotFound(f"No service {name!r}.", "It was removed meanwhile.")
            service = Service.model_validate(row)
            changed = change(service)
            if changed != service:
                record = changed.model_dump(mode="json")
                connection.execute(update(services).where(services.c.name == name).values(record=record))
                append(connection, "service", name, "updated")
        return changed

    def note(self, name: str) -> None:
        """Tell followers of changes that something beside the service's row is new."""
        with self._database.write() as connection:
            append(connection, "service", name, "updated")

    def delete(self, name: str) -> None:
        with self._database.write() as connection:
            if connection.execute(delete(services).where(services.c.name == name)).rowcount:
                append(connection, "service", name, "deleted")
