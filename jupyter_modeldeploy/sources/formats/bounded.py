"""Reading no more of a file than a sound one would hold."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput

MAX_JSON_BYTES = 16 << 20
ZIP_MAGIC, HDF5_MAGIC = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
AGAIN = "Download it again."


def starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def beginning(path: Path, most: int) -> bytes:
    """The first `most` bytes of a file."""
    with path.open("rb") as file:
        return file.read(most)


def json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises InvalidInput for anything else and over 16 MiB."""
    value = json_value(path)
    if not isinstance(value, dict):
        raise InvalidInput(f"{path.name} is not a JSON object.", AGAIN)
    return value


def json_value(path: Path, most: int = MAX_JSON_BYTES) -> Any:
    """Whatever a JSON file of at most `most` bytes holds. Raises InvalidInput."""
    if (size := path.stat().st_size) > most:
        raise InvalidInput(f"{path.name} is {size} bytes, too big for a configuration.", "Check the file.")
    return parsed(path.read_bytes(), path.name)


def parsed(text: bytes, name: str) -> Any:
    """JSON text as its value. Raises InvalidInput where it is none, or nested too deeply."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} is not JSON: {error}.", AGAIN) from error


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive to look into; what zipfile raises for a damaged one is InvalidInput."""
    try:
        with zipfile.ZipFile(path) as package:
            yield package
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidInput(f"{path.name} is a damaged archive: {error}.", AGAIN) from error


def member(package: zipfile.ZipFile, name: str, most: int = MAX_JSON_BYTES) -> bytes:
    """What the archive holds as `name`, unpacked. Raises InvalidInput over `most` bytes, whatever its header claims."""
    with package.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InvalidInput(f"{name} in {package.filename} unpacks to more than {most} bytes.", "Check the file.")
    return content
