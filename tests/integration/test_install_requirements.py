"""What a model asks for is installed by the real pip from an index of our own, or refused before anything changes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_onnx
from simple_index import Index, serving, wheel

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, JobFailed, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Need
from jupyter_modeldeploy.requirements import environment
from jupyter_modeldeploy.requirements.installing import Change, install
from jupyter_modeldeploy.requirements.reading import FILE, read


def package(name: str, version: str, *needs: str) -> tuple[str, bytes]:
    information = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {one}\n" for one in needs)
    files = {
        f"{name}.py": f"version = {version!r}",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/RECORD": "",
    }
    return f"{name}-{version}-py3-none-any.whl", wheel({path: text.encode() for path, text in files.items()})


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    with serving(tmp_path / "index") as running:
        monkeypatch.setenv("JUPYTER_MODELDEPLOY_PIP_INDEX", running.url)
        for one in (
            *(package("tinylib", "1.0"), package("tinylib", "2.0"), package("needy", "1.0", "tinylib<2")),
            package("old_stack", "1.0", "jupyterlab<1"),
        ):
            running.add(*one)
        yield running


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return environment.make_separate(tmp_path / "separate")


def installed(python: Path, folder: Path, index: Index, text: str, **pinned: str) -> list[Change]:
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(text)
    before = environment.installed_for(python)
    return install(python, read(folder), pinned, before, Silent(), index=index.url)


def test_what_is_missing_is_installed_and_what_changes_is_told(index: Index, python: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert installed(python, folder, index, "tinylib") == [Change(name="tinylib", version="2.0")]
    assert installed(python, folder, index, "tinylib>=1") == []
    assert installed(python, folder, index, "needy") == [
        Change(name="needy", version="1.0"),
        Change(name="tinylib", version="1.0", before="2.0"),
    ]
    assert environment.installed_for(python)["tinylib"] == "1.0"


def test_a_pinned_package_stays_as_it_is(index: Index, python: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    installed(python, folder, index, "tinylib==2.0")
    for text in ("tinylib<2", "needy"):  # asked for, and needed by what is asked for
        with pytest.raises(Conflict, match="Nothing was changed"):
            installed(python, folder, index, text, tinylib="2.0")
    assert environment.installed_for(python)["tinylib"] == "2.0"
    assert "needy" not in environment.installed_for(python)


def test_a_package_without_a_wheel_is_not_built(index: Index, python: Path, tmp_path: Path) -> None:
    index.add("sourced-1.0.tar.gz", b"never opened")
    with pytest.raises(Unavailable, match="allow source"):
        installed(python, tmp_path / "model", index, "sourced")
    assert "sourced-1.0.tar.gz" not in index.downloads()


def test_a_separate_environment_becomes_a_kernel_that_has_the_packages(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    workspace = Workspace()
    folder = tiny_onnx.add_one(tmp_path / "model")
    (folder / FILE).write_text("tinylib<2\nnumpy")
    ref = workspace.models.fetch(f"file:{folder}", "adder").version(timeout_s=240).ref
    needs = {one.name: one.need for one in workspace.models.requirements(ref).requirements}
    assert needs == {"tinylib": Need.missing, "numpy": Need.satisfied}

    result = workspace.models.install_requirements(ref, into="separate").wait(timeout_s=300).result
    assert result is not None
    assert result["installed"] == [{"name": "tinylib", "version": "1.0", "before": None}]
    assert all(one.need is Need.satisfied for one in workspace.models.requirements(ref, into="separate").requirements)
    spec = json.loads((tmp_path / "data" / "kernels" / result["kernel"] / "kernel.json").read_text())
    command = [spec["argv"][0], "-c", "import tinylib, onnxruntime; print(tinylib.version)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1.0\n"
    assert workspace.models.requirements(ref).requirements[0].need is Need.missing  # here nothing has changed
    workspace.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torch<2", "Nothing was changed"),
        ("old_stack", "Nothing was changed"),
        ("--index-url https://elsewhere.example/simple\ntinylib", "refused"),
    ],
)
def test_this_python_is_not_changed_by_what_does_not_fit(text: str, message: str, index: Index, tmp_path: Path) -> None:
    workspace = Workspace()
    folder = tiny_onnx.add_one(tmp_path / "model")
    (folder / FILE).write_text(text)
    ref = workspace.models.fetch(f"file:{folder}", "adder").version(timeout_s=240).ref
    before = environment.installed_here()
    with pytest.raises((JobFailed, Conflict, UnsafeContent), match=message):
        workspace.models.install_requirements(ref).wait(timeout_s=300)
    assert environment.installed_here() == before
    workspace.close()
