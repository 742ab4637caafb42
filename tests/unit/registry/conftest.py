"""A workspace, and who works in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from registered_versions import As

from jupyter_modeldeploy import Workspace


@pytest.fixture
def workspace(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OWNER", "anna")
    opened = Workspace(root)
    yield opened
    opened.close()


@pytest.fixture
def as_(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> As:
    """The workspace in the hands of another: `as_("ben").models.approve(…)`."""

    def acting(name: str) -> Workspace:
        monkeypatch.setenv("JUPYTER_MODELDEPLOY_OWNER", name)
        return workspace

    return acting
