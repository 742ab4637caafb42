"""Models and their versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.records import (
    Deprecation,
    Lineage,
    Model,
    NewVersion,
    Trust,
    Verdict,
    Version,
    parse_version_ref,
)
from jupyter_modeldeploy.store import tables
from jupyter_modeldeploy.store.artifacts import Artifacts, copy_into
from jupyter_modeldeploy.store.changes import append
from jupyter_modeldeploy.store.database import MOST_DIGITS, Database, refuse_twin, scalar, scalars

MOST_TOLD = 8


class Models:
    """Models, sorted by name. A model begins with its first version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> list[Model]:
        with self._database.read() as connection:
            rows = scalars(connection, select(tables.models.c.record).order_by(tables.models.c.name))
        return [Model.model_validate(row) for row in rows]

    def get(self, name: str) -> Model:
        with self._database.read() as connection:
            return model_row(connection, name)

    def check_name(self, name: str) -> None:
        """Raise Conflict unless versions can be added under this name."""
        with self._database.read() as connection:
            refuse_twin(connection, tables.models.c.name, name)


class Versions:
    """Immutable versions: a row here, files in the artifacts."""

    def __init__(self, database: Database, artifacts: Artifacts, owner: Callable[[], str]) -> None:
        self._database = database
        self._artifacts = artifacts
        self._owner = owner

    def add(self, new: NewVersion, folder: Path) -> Version:
        """Keep the files of `folder` as the next version of `new.model`.

        A folder below `artifacts.staging()` is moved, any other is copied. Raises StorageFull, InvalidInput, Conflict
        or UnsafeContent with nothing changed."""
        if not folder.is_relative_to(self._artifacts.incoming):
            with self._artifacts.staging() as staging:
                copy_into(folder, staging)
                return self.add(new, staging)
        files = self._artifacts.seal(folder)
        with self._artifacts.placing() as place, self._database.write() as connection:
            refuse_twin(connection, tables.models.c.name, new.model)
            model = _find_model(connection, new.model) or Model(
                name=new.model, task=new.task, owner=self._owner(), created_at=datetime.now(UTC)
            )
            number = (model.latest or 0) + 1
            version = Version(**new.model_dump(), number=number, files=files, created_at=datetime.now(UTC))
            connection.execute(
                insert(tables.versions).values(
                    model=new.model,
                    number=number,
                    lineage_hash=_lineage_hash(new.model, new.lineage),
                    record=version.model_dump(mode="json"),
                )
            )
            save_model(connection, model.model_copy(update={"latest": number, "task": new.task}))
            append(connection, "version", version.ref, "created")
            place(folder, self.folder(version))
        return version

    def get(self, ref: str) -> Version:
        """The version that `name@3`, `name@alias` or `name` (its latest) means. Raises NotFound."""
        name, rest = parse_version_ref(ref)
        with self._database.read() as connection:
            model = model_row(connection, name)
            number = _number(model, rest)
            return version_row(connection, name, number)

    def list(self, model: str | None = None) -> list[Version]:
        """All versions, or those of one model; oldest first."""
        query = select(tables.versions.c.record).order_by(tables.versions.c.model, tables.versions.c.number)
        if model is not None:
            query = query.where(tables.versions.c.model == model)
        with self._database.read() as connection:
            return [Version.model_validate(row) for row in scalars(connection, query)]

    def find(self, model: str, lineage: Lineage) -> Version | None:
        """The newest version of `model` that was made by the same step from the same things, if there is one."""
        query = (
            select(tables.versions.c.record)
            .where(tables.versions.c.model == model, tables.versions.c.lineage_hash == _lineage_hash(model, lineage))
            .order_by(tables.versions.c.number.desc())
        )
        with self._database.read() as connection:
            row = scalar(connection, query)
        return Version.model_validate(row) if row else None

    def made_by(self, model: str, job_id: str) -> Version | None:
        """The version of `model` that the job registered, if it came so far."""
        return next((version for version in self.list(model) if version.lineage.job == job_id), None)

    def trust(self, ref: str, reason: str) -> Version:
        """Let a version be loaded in spite of what was found in it; by whom, when and why is kept with it.

        Raises Conflict for one in which nothing was found, InvalidInput without a reason."""
        if not reason.strip():
            raise InvalidInput(f"No reason to trust {ref}.", "Say why: it is kept with the version.")
        return self._judge(ref, Trust(by=self._owner(), at=datetime.now(UTC), reason=reason))

    def distrust(self, ref: str) -> Version:
        """Take that word back: nobody can load the version from now on. Who has loaded it already keeps it.

        Raises Conflict for a version in which nothing was found, or which nobody trusts."""
        return self._judge(ref, None)

    def deprecate(self, ref: str, deprecated: Deprecation | None) -> Version:
        """Say that a version should not be used for anything new, or take that back. Raises NotFound, also for the
        successor."""
        found = self.get(ref)
        if deprecated is not None and deprecated.successor is not None:
            deprecated = deprecated.model_copy(update={"successor": self.get(deprecated.successor).ref})
        with self._database.write() as connection:
            version = version_row(connection, found.model, found.number)
            changed = version.model_copy(update={"deprecated": deprecated})
            _save_version(connection, changed)
        return changed

    def deprecated(self, model: str, number: int) -> Deprecation | None:
        """Whether a version is deprecated, without reading the rest of it; None also for one that is not there."""
        said = tables.versions.c.record["deprecated"]
        query = select(said).where(tables.versions.c.model == model, tables.versions.c.number == number)
        with self._database.read() as connection:
            row = scalar(connection, query)
        return Deprecation.model_validate(row) if row else None

    def path(self, version: Version) -> Path:
        """The folder of the version's files, for whoever loads them. Raises UnsafeContent, with what was found, for a
        version in quarantine."""
        current = self.get(version.ref) if version.verdict and version.verdict.findings else version
        if current.verdict is not None and current.verdict.quarantined:
            raise UnsafeContent(f"{current.ref} is in quarantine: {_told(current.verdict)}", _hint(current.ref))
        return self.folder(version)

    def folder(self, version: Version) -> Path:
        """Where the version's files lie, for whoever only reads what they say: nothing of them may be loaded without
        asking `path`. A version with findings lies apart for ever, also while it is trusted."""
        if version.verdict is not None and version.verdict.findings:
            return self._artifacts.quarantined(version.model, version.number)
        return self._artifacts.model(version.model, version.number)

    def _judge(self, ref: str, trusted: Trust | None) -> Version:
        found = self.get(ref)
        with self._database.write() as connection:
            version = version_row(connection, found.model, found.number)
            if version.verdict is None or not version.verdict.findings:
                raise Conflict(f"Nothing unsafe was found in {version.ref}.", "It can be loaded as it is.")
            if trusted is None and version.verdict.trusted is None:
                raise Conflict(f"Nobody trusts {version.ref}.", "It cannot be loaded as it is.")
            judged = version.verdict.model_copy(update={"trusted": trusted})
            changed = version.model_copy(update={"verdict": judged})
            _save_version(connection, changed)
        return changed


def _number(model: Model, rest: str | None) -> int:
    if rest is None or rest == "latest":
        if model.latest is None:
            raise NotFound(f"The model {model.name!r} has no versions.")
        return model.latest
    if rest.isdigit() and len(rest) <= MOST_DIGITS:
        return int(rest)
    if rest not in model.aliases:
        known = ", ".join(f"@{alias}" for alias in sorted(model.aliases)) or "none"
        raise NotFound(f"{model.name!r} has no alias {rest!r}.", f"Its aliases: {known}; versions 1 to {model.latest}.")
    return model.aliases[rest]


def _lineage_hash(model: str, lineage: Lineage) -> str:
    made_by = {"model": model, **lineage.model_dump(mode="json", exclude={"job"})}
    return hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()


def _find_model(connection: Connection, name: str) -> Model | None:
    row = scalar(connection, select(tables.models.c.record).where(tables.models.c.name == name))
    return Model.model_validate(row) if row else None


def model_row(connection: Connection, name: str) -> Model:
    model = _find_model(connection, name)
    if model is None:
        names = ", ".join(scalars(connection, select(tables.models.c.name).order_by(tables.models.c.name)))
        known = f"There are: {names}." if names else "Fetch one: modeldeploy fetch SOURCE --name NAME."
        raise NotFound(f"No model {name!r}.", known)
    return model


def version_row(connection: Connection, name: str, number: int) -> Version:
    query = select(tables.versions.c.record).where(tables.versions.c.model == name, tables.versions.c.number == number)
    row = scalar(connection, query)
    if row is None:
        latest = model_row(connection, name).latest
        raise NotFound(f"No version {name}@{number}.", f"The latest is {name}@{latest}.")
    return Version.model_validate(row)


def _save_version(connection: Connection, version: Version) -> None:
    where = (tables.versions.c.model == version.model, tables.versions.c.number == version.number)
    connection.execute(update(tables.versions).where(*where).values(record=version.model_dump(mode="json")))
    append(connection, "version", version.ref, "updated")


def _told(verdict: Verdict) -> str:
    """The findings in one paragraph, the dangerous ones first."""
    findings = sorted(verdict.findings, key=lambda finding: not finding.dangerous)
    more = len(findings) - MOST_TOLD
    told = "; ".join(f"{finding.file} {finding.message}" for finding in findings[:MOST_TOLD])
    return f"{told}; and {more} more." if more > 0 else f"{told}."


def _hint(ref: str) -> str:
    return f'If you have looked and trust it: modeldeploy models trust {ref} --reason "…".'


def save_model(connection: Connection, model: Model) -> None:
    values = {"record": model.model_dump(mode="json")}
    changed = connection.execute(update(tables.models).where(tables.models.c.name == model.name).values(values))
    if changed.rowcount == 0:
        connection.execute(insert(tables.models).values(name=model.name, **values))
    append(connection, "model", model.name, "updated" if changed.rowcount else "created")
