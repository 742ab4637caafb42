"""Each peer in a virtual environment of its own, build/benchmark-NAME, made when it is first needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from serving_bench.places import BUILD, LOGS

PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
ONNXRUNTIME = "onnxruntime==1.31.1"
"""The one that our own environment has: every server runs the model with the same library."""


class CannotInstallError(Exception):
    """The peer cannot be had on this machine; the message says why."""


def python(name: str, packages: Sequence[str]) -> Path:
    """The interpreter of the environment with these packages; raises CannotInstallError."""
    wanted = "\n".join([sys.version, *packages])
    folder = BUILD / f"benchmark-{name}"
    interpreter, stamp = folder / "bin" / "python", folder / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return interpreter
    print(f"Installing {name} into {folder.relative_to(BUILD.parent)}.", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, symlinks=True)
    _run(
        [sys.executable, *PIP, f"--python={interpreter}", "install", "--prefer-binary", *packages],
        f"install-{name}.log",
    )
    stamp.write_text(wanted)
    return interpreter


def unpacked(name: str, requirement: str) -> Path:
    """The folder with the contents of a wheel, without what it depends on and without regard to the Python that it
    asks for; raises CannotInstallError."""
    folder = BUILD / f"benchmark-{name}"
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == requirement:
        return folder
    print(f"Unpacking {requirement} into {folder.relative_to(BUILD.parent)}.", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11"]
    command = [sys.executable, *PIP, "download", *options, "--dest", str(folder), requirement]
    _run(command, f"install-{name}.log")
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder, "zip")
    wheel.unlink()
    stamp.write_text(requirement)
    return folder


def versions(interpreter: Path, names: Sequence[str]) -> dict[str, str]:
    """The installed versions of those of the distributions that are there."""
    code = (
        "import sys, importlib.metadata as m\n"
        "for d in m.distributions():\n"
        "    if d.metadata['Name'].lower() in sys.argv[1:]: print(d.metadata['Name'].lower(), d.version)"
    )
    lines = subprocess.run([interpreter, "-c", code, *names], capture_output=True, text=True, check=True).stdout
    return dict(line.split() for line in lines.splitlines())


def _run(command: Sequence[str], log: str) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / log
    with path.open("wb") as file:
        status = subprocess.run(command, stdout=file, stderr=file, check=False).returncode
    if status:
        last = [line for line in path.read_text().splitlines() if line.startswith("ERROR")][-1:]
        raise CannotInstallError(f"pip failed ({path}): {''.join(last)}")
