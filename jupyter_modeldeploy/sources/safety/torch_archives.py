"""TorchScript and `torch.export` archives: what their code reaches. The vetting is that of loading, word for word."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.records import Finding

NATIVE = (".so", ".dll", ".dylib", ".pyd", ".cubin")
EXPORTED = ("models/model.json", "serialized_exported_program.json")


def look(path: Path, name: str) -> Iterator[Finding]:
    """Findings in an archive of either kind; none in any other file."""
    inside = _inside(path)
    native = sorted(one for one in inside if one.endswith(NATIVE))
    if native and any(one in inside for one in EXPORTED):
        message = f"holds machine code, {native[0]}, which would run when loaded"
        yield Finding(file=name, kind="native-code", dangerous=True, message=message)
    try:
        if EXPORTED[0] in inside:
            from jupyter_modeldeploy.runtimes import exported_archive

            exported_archive.vet(path)
        elif "constants.pkl" in inside and any(one.startswith("code/") for one in inside):
            from jupyter_modeldeploy.runtimes import torchscript_archive

            torchscript_archive.vet(path)
    except UnsafeContent as error:
        yield Finding(file=name, kind="torch-program", dangerous=True, message=f"is refused: {error.message}")
    except InvalidInput as error:
        yield Finding(
            file=name, kind="torch-program", dangerous=False, message=f"cannot be looked through: {error.message}"
        )


def _inside(path: Path) -> set[str]:
    """The archive's files, without the folder that holds them all."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"PK\x03\x04":
                return set()
        with zipfile.ZipFile(path) as package:
            return {name.partition("/")[2] for name in package.namelist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return set()  # told where archives are looked through
