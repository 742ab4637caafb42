"""`load_model.py`: a program that loads one version, and runs as it is in a fresh kernel or from a shell."""

from __future__ import annotations

from pathlib import Path

from jupyter_modeldeploy.errors import UnsafeContent
from jupyter_modeldeploy.loader.programs import program_for
from jupyter_modeldeploy.loader.writing import render
from jupyter_modeldeploy.records import NewVersion

__all__ = ["generate"]


def generate(version: NewVersion, folder: Path) -> str:
    """Python source that loads the model in `folder`, asks it once and prints what came out: an embedding's shape,
    labels, boxes, tensors.

    It needs the model's own libraries and asks no network. Of what the files say (names, labels, paths) nothing is in
    it but as a literal. Raises UnsafeContent, with what was found, for a version in quarantine, and InvalidInput for
    files that are no model that anything loads."""
    if version.verdict is not None and version.verdict.quarantined:
        found = "; ".join(f"{finding.file} {finding.message}" for finding in version.verdict.findings)
        raise UnsafeContent(
            f"No loader is written for a version in quarantine: {found}.",
            "If you have looked and trust it: models trust.",
        )
    template, words = program_for(version, folder)
    return render(template, words)
