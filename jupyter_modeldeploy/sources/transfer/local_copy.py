"""Take or give a file's content on this machine without sending it anywhere."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from jupyter_modeldeploy.sources.reference import RemoteFile
from jupyter_modeldeploy.sources.transfer import digests
from jupyter_modeldeploy.sources.transfer.answers import ensure_space

CHUNK = 1 << 30
NOT_HERE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK, errno.EACCES)
"""What file systems say that cannot link, or copy by themselves."""


def copy_verified(content: Path, file: RemoteFile, target: Path) -> str | None:
    """Copy `content` to the existing `target` if it is what `file` describes, by its SHA-256 or Git's SHA-1.

    It is the copy whose every byte is hashed: nobody else can change it any more. Its SHA-256; None if it is not right,
    and `target` is left empty. Raises OSError where that cannot be written, StorageFull where it does not fit."""
    if not (file.sha256 or file.git_sha1):
        return None
    try:
        descriptor = os.open(content, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # gone or not readable for us: as if it were not there
        return None
    with open(descriptor, "rb", buffering=0), target.open("r+b", buffering=0) as copy:
        size = os.fstat(descriptor).st_size
        if file.size not in (None, size):
            return None
        _copy(descriptor, copy.fileno(), size, target)
        found = digests.of_file(target, file)
        if found.right:
            return found.sha256
        copy.truncate(0)
    return None


def place(content: Path, target: Path) -> None:
    """Make `target` a read-only file with the cache's `content`: the same file by another name where the file system
    allows it, else a copy that shares its blocks, else one of its own. Raises OSError, StorageFull."""
    try:
        return os.link(content, target)
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
    with content.open("rb") as source, target.open("xb") as copy:
        _copy(source.fileno(), copy.fileno(), os.fstat(source.fileno()).st_size, target)
        os.fchmod(copy.fileno(), 0o400)


def _copy(source: int, target: int, size: int, where: Path) -> None:
    """By the kernel, which shares the blocks on file systems that can."""
    ensure_space(where.parent, size)
    copied = 0
    try:
        while copied < size and (count := os.copy_file_range(source, target, min(CHUNK, size - copied))):
            copied += count
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
    if copied < size:
        os.lseek(source, 0, os.SEEK_SET)
        os.lseek(target, 0, os.SEEK_SET)
        with open(source, "rb", closefd=False) as reader, open(target, "wb", closefd=False) as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
