"""pip, asked first what it would do, so that a conflict is told before anything is changed."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from jupyter_modeldeploy.errors import Conflict, InvalidInput, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Record
from jupyter_modeldeploy.requirements.reading import Line

TIMEOUT_S = 3600
CONFLICTS = ("ResolutionImpossible", "conflicting dependencies", "cannot install")
NO_WHEEL = "Packages without a wheel are not built, which would run their code; allow source to build them."


class Change(Record):
    """A package that is installed, with the version that was there before."""

    name: str
    version: str
    before: str | None = None


def check(lines: Sequence[Line], pinned: Mapping[str, str]) -> None:
    """Raise UnsafeContent for lines that are refused, Conflict where one wants another version of what is pinned."""
    refused = [line for line in lines if line.kind is not None]
    if refused:
        told = "; ".join(f"{line.file}: {line.text[:200]!r}: {line.reason}" for line in refused[:8])
        kinds = " ".join(dict.fromkeys(line.kind for line in refused if line.kind))
        raise UnsafeContent(f"Some requirements are refused: {told}.", f"What you trust can be allowed: {kinds}.")
    for line in lines:
        named = line.named
        has = pinned.get(canonicalize_name(named.name)) if named is not None else None
        if named is None or has is None or (named.marker is not None and not named.marker.evaluate({"extra": ""})):
            continue
        if not named.specifier.contains(has, prereleases=True):
            raise Conflict(
                f"{named} is asked for, and what runs here needs {named.name} {has}. Nothing was changed.",
                "Install into a separate environment.",
            )


def install(
    python: Path,
    lines: Sequence[Line],
    pinned: Mapping[str, str],
    installed: Mapping[str, str],
    reporter: Reporter,
    allow: Collection[str] = (),
    index: str | None = None,
) -> list[Change]:
    """Install what the lines ask for with the pip of this Python, `pinned` packages staying as they are.

    Gives what changed. Raises UnsafeContent, Conflict, or Unavailable where a package cannot be had; nothing is
    changed then."""
    check(lines, pinned)
    with tempfile.TemporaryDirectory(prefix="modeldeploy-requirements-") as made:
        folder = Path(made)
        (folder / "requirements.txt").write_text("".join(f"{one.pip}\n" for one in lines if not one.constraint))
        fixed = [f"{name}=={version}" for name, version in pinned.items()]
        own = [one.pip for one in lines if one.constraint]
        (folder / "constraints.txt").write_text("".join(f"{line}\n" for line in fixed + own))
        asked = ["-r", "requirements.txt", "-c", "constraints.txt", *(["--index-url", index] if index else [])]
        asked += [] if "source" in allow else ["--only-binary", ":all:"]
        reporter.progress(0, 2, "steps", "asking what would be installed")
        _pip(python, [*asked, "--dry-run", "--report", "report.json"], folder)
        changes = _changes(json.loads((folder / "report.json").read_text()), installed)
        reporter.progress(1, 2, "steps", ", ".join(f"{one.name} {one.version}" for one in changes) or "all is there")
        if changes:
            _pip(python, asked, folder)
        reporter.progress(2, 2, "steps", "installed")
    return changes


def _changes(report: Mapping[str, Any], installed: Mapping[str, str]) -> list[Change]:
    found = sorted((one["metadata"] for one in report.get("install", [])), key=lambda one: str(one["name"]))
    return [
        Change(name=one["name"], version=one["version"], before=installed.get(canonicalize_name(one["name"])))
        for one in found
    ]


def _pip(python: Path, arguments: Sequence[str], folder: Path) -> None:
    """pip in a folder of ours, which `-P` keeps off its path."""
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
    command = [str(python), "-P", "-m", "pip", "install", *quiet, *arguments]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"pip did not run: {error}") from error
    if ended.returncode == 0:
        return
    words = ended.stderr.strip()
    if "No module named pip" in words:
        raise Unavailable(f"{python} has no pip.", f"Install it: {python} -m ensurepip")
    if any(word in words for word in CONFLICTS):
        raise Conflict(
            f"What is asked for does not fit to what runs here. Nothing was changed. pip says: {words[-1500:]}",
            "Install into a separate environment.",
        )
    if "No matching distribution" in words:
        raise Unavailable(f"pip finds no such package: {words[-1500:]}", NO_WHEEL)
    raise InvalidInput(f"pip cannot install that: {words[-1500:]}")
