"""Take a file's content from this machine, where it is known by its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jupyter_modeldeploy.sources.reference import RemoteFile

CHUNK = 1 << 20


def copy_verified(content: Path, file: RemoteFile, target: Path) -> bool:
    """Copy `content` to `target` if it is what `file` describes, by its SHA-256 or Git's SHA-1; every byte that is
    copied is hashed. Whether it was; if not, `target` is left empty. Raises OSError where that cannot be written."""
    try:
        size = content.stat().st_size
        source = content.open("rb")
    except OSError:  # gone or not readable for us: as if it were not there
        return False
    expected = file.sha256 or file.git_sha1
    if expected is None or file.size not in (None, size):
        source.close()
        return False
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with source, target.open("wb", buffering=0) as out:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[out.write(view) :]
        if digest.hexdigest() != expected:
            out.truncate(0)
            return False
    return True
