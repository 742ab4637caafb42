"""Whether a model's files are safe to load: what they would run, reach or pretend, told without loading any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from jupyter_modeldeploy.errors import UnsafeContent
from jupyter_modeldeploy.records import Finding, Verdict
from jupyter_modeldeploy.sources.safety import (
    configs,
    contents,
    onnx_models,
    tensor_files,
    tensorflow,
    torch_archives,
)
from jupyter_modeldeploy.sources.safety.plain_files import plain_files

__all__ = ["check", "examine"]

Look = Callable[[Path, str], Iterator[Finding]]
LOOKS: tuple[Look, ...] = (
    *(contents.look, tensor_files.look, onnx_models.look),
    *(tensorflow.look, torch_archives.look),
)
"""What looks at one file each, given its path and its name below the folder."""


def examine(folder: Path) -> Verdict:
    """What is found in the files below `folder` that would run code, reach outside of it or cannot be looked through.

    Nothing of them is loaded or run. Raises UnsafeContent for links, devices and names that mean two files, and
    InvalidInput for files of tensors whose header lies: such are not to be kept at all."""
    files = plain_files(folder)
    findings = [finding for path, name in files for look in LOOKS for finding in look(path, name)]
    findings += configs.look(folder, files)
    unique: dict[tuple[str, str], Finding] = {(one.file, one.message): one for one in findings}
    return Verdict(findings=list(unique.values()))


def check(folder: Path, trust: bool) -> None:
    """Raise UnsafeContent with all that `examine` finds, unless the caller trusts the files."""
    findings = examine(folder).findings
    if findings and not trust:
        found = "; ".join(f"{finding.file} {finding.message}" for finding in findings)
        raise UnsafeContent(f"The files could run code when they are loaded: {found}", "If you trust them: trust=True.")
