"""What all tests share: a workspace root of their own, and nothing of the person's who runs them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

pytest_plugins = ["pytest_jupyter.jupyter_server"]

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")
gc.disable()  # while the tests and what they need are imported, all of which stays


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """From here on garbage is collected, but not looked for in what was imported."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace root of this test, for its own process and for those that it starts."""
    path = tmp_path / "root"
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_ROOT", str(path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))  # else what their hub's client holds would be found there
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS", "127.0.0.0/8,::1")  # where the tests' servers are
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    return path


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    opened = Store(Settings(root))
    yield opened
    opened.close()
