"""The Python that packages are installed for: the one that asks, or a separate one that sees its packages."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement as Named
from packaging.utils import canonicalize_name

from jupyter_modeldeploy.errors import Unavailable

OWN = ("jupyter_modeldeploy", "jupyterlab", "notebook", "ipykernel", "onnxruntime", "onnxruntime-gpu", "pip")
LIST = (
    "import importlib.metadata as m, json;"
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
)
PARENT = "_jupyter_modeldeploy_parent.pth"


def installed_here() -> dict[str, str]:
    """The versions of this Python's packages by their normalised names."""
    return {name: one.version for name, one in _by_name(distributions()).items()}


def installed_for(python: Path) -> dict[str, str]:
    """The versions of another Python's packages. Raises Unavailable where it does not run."""
    return {canonicalize_name(name): version for name, version in json.loads(run(python, "-c", LIST)).items()}


def own_stack() -> dict[str, str]:
    """The packages that this product and JupyterLab need to run, with the versions that they run with."""
    found = _by_name(distributions())
    kept: dict[str, str] = {}
    waiting = [canonicalize_name(name) for name in OWN]
    while waiting:
        name = waiting.pop()
        if name in kept or name not in found:
            continue
        kept[name] = found[name].version
        for text in found[name].requires or []:
            needed = Named(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(needed.name))
    return kept


def separate_python(folder: Path) -> Path:
    """Where the Python of the separate environment in `folder` is, or would be."""
    return folder / "bin" / "python"


def make_separate(folder: Path) -> Path:
    """Make a virtual environment that sees this Python's packages; give its Python. One that is there stays.

    `--system-site-packages` alone shows those of the system's Python, not those of the environment that we run in,
    which a path file adds."""
    python = separate_python(folder)
    if not (folder / "ready").is_file():
        run(Path(sys.executable), "-m", "venv", "--clear", "--system-site-packages", "--without-pip", str(folder))
        packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
        ours = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
        (packages / PARENT).write_text("".join(f"{path}\n" for path in ours))
        (folder / "ready").touch()
    return python


def run(python: Path, *arguments: str, timeout_s: float = 1800) -> str:
    """What `python` prints, started without the current folder on its path. Raises Unavailable with its last words."""
    try:
        ended = subprocess.run(
            [str(python), "-P", *arguments], capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{python} did not run: {error}") from error
    if ended.returncode:
        raise Unavailable(f"{Path(arguments[0]).name or python} failed: {ended.stderr.strip()[-1500:]}")
    return ended.stdout


def _by_name(found: Iterable[Distribution]) -> dict[str, Distribution]:
    """The first of each name is the one that is imported."""
    by_name: dict[str, Distribution] = {}
    for one in found:
        if name := one.metadata["Name"]:
            by_name.setdefault(canonicalize_name(name), one)
    return by_name
