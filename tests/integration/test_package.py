"""The wheel and the sdist carry all that an installation needs, and nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LABEXTENSION = "share/jupyter/labextensions/jupyter-modeldeploy/"
SERVER_CONFIG = "etc/jupyter/jupyter_server_config.d/jupyter_modeldeploy.json"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both, the wheel made from the sdist, as for a release."""
    out = tmp_path_factory.mktemp("dist")
    build = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], capture_output=True, text=True
    )
    assert build.returncode == 0, build.stdout[-3000:] + build.stderr[-3000:]
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(dist.glob("*.whl")))


def installed(wheel: zipfile.ZipFile) -> dict[str, str]:
    """Where each file of the wheel goes below the environment, and its name in the wheel."""
    names = wheel.namelist()
    return {name.partition(".data/data/")[2] or f"site-packages/{name}": name for name in names}


def test_the_wheel_carries_the_built_labextension(wheel: zipfile.ZipFile) -> None:
    files = installed(wheel)
    package = json.loads(wheel.read(files[LABEXTENSION + "package.json"]))
    entry = package["jupyterlab"]["_build"]["load"]
    assert LABEXTENSION + entry in files
    assert LABEXTENSION + "install.json" in files
    assert any(name.startswith(LABEXTENSION + "schemas/jupyter-modeldeploy/") for name in files)


def test_the_wheel_carries_the_built_panels(wheel: zipfile.ZipFile) -> None:
    static = "site-packages/jupyter_modeldeploy/widgets/static/"
    assert {static + "panel.js", static + "panel.css"} <= installed(wheel).keys()
    assert "site-packages/jupyter_modeldeploy/reporting/static/graph.js" in installed(wheel)


def test_the_wheel_switches_the_server_extension_on(wheel: zipfile.ZipFile) -> None:
    config = json.loads(wheel.read(installed(wheel)[SERVER_CONFIG]))
    assert config == {"ServerApp": {"jpserver_extensions": {"jupyter_modeldeploy": True}}}


def test_the_wheel_carries_migrations_and_templates_and_no_second_front_end(wheel: zipfile.ZipFile) -> None:
    files = installed(wheel)
    assert "site-packages/jupyter_modeldeploy/store/migrations/versions/0001_first_tables.py" in files
    assert "site-packages/jupyter_modeldeploy/reporting/templates/report.html.j2" in files
    assert not [name for name in files if name.startswith("site-packages/jupyter_modeldeploy/labextension")]
    assert not [name for name in files if "__pycache__" in name or "node_modules" in name]


def test_the_sdist_can_be_built_from_and_holds_no_clutter(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"package.json", "yarn.lock", "LICENSE", "labextension/src/lab/index.ts", "tests/conftest.py"} <= names
    assert "jupyter_modeldeploy/labextension/package.json" in names
    assert not [name for name in names if name.startswith(("node_modules", ".venv", "build", "labextension/lib"))]
