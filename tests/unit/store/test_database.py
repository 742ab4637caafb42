"""The database: migrated once, private, and its migrations make the tables that the code knows."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.store.database import SCHEMA
from jupyter_modeldeploy.store.tables import metadata


def shape(tables: MetaData) -> dict[str, dict[str, tuple[str, bool, bool]]]:
    found = {}
    for name, table in tables.tables.items():
        if name != "alembic_version":
            columns = table.columns
            found[name] = {one.name: (str(one.type.compile()), bool(one.nullable), one.primary_key) for one in columns}
    return found


def indexes(tables: MetaData) -> set[str]:
    return {str(index.name) for table in tables.tables.values() for index in table.indexes}


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    found, built = MetaData(), MetaData()
    found.reflect(create_engine(f"sqlite:///{store.root / 'modeldeploy.db'}"))
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    built.reflect(engine)
    assert shape(found) == shape(built)
    assert indexes(found) == indexes(built)


def test_the_root_is_private(store: Store) -> None:
    assert store.root.stat().st_mode & 0o777 == 0o700
    assert (store.root / "modeldeploy.db").stat().st_mode & 0o777 == 0o600


def test_a_newer_releases_workspace_is_left_alone(store: Store) -> None:
    store.close()
    database = sqlite3.connect(store.root / "modeldeploy.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    with pytest.raises(Unavailable, match="newer release"):
        Store(Settings(store.root))


def test_two_first_users_do_not_disturb_each_other(root: Path) -> None:
    code = "from jupyter_modeldeploy.store import Store; Store()"
    first = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate()[1] for process in first]
    assert [process.returncode for process in first] == [0, 0, 0, 0], said
    assert sqlite3.connect(root / "modeldeploy.db").execute("SELECT version_num FROM alembic_version").fetchall() == [
        (SCHEMA,)
    ]


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="is a file"):
        Store(Settings(tmp_path / "file"))
