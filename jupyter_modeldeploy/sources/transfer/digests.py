"""The hashes of a file's content: SHA-256, which names it in the cache, and Git's SHA-1 where that is published."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from jupyter_modeldeploy.errors import UnsafeContent
from jupyter_modeldeploy.sources.reference import RemoteFile
from jupyter_modeldeploy.sources.transfer.part import Part

CHUNK = 1 << 20


class Digests:
    """What has been fed so far, hashed. Git's SHA-1 needs the size beforehand."""

    def __init__(self, file: RemoteFile, size: int | None) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._git = None
        if not file.sha256 and file.git_sha1 and size is not None:
            self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def update(self, data: bytes | memoryview) -> None:
        self._sha256.update(data)
        if self._git is not None:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def right(self) -> bool:
        """Whether the content is what was published, as far as a hash was."""
        if self._file.sha256:
            return self.sha256 == self._file.sha256
        return self._git is None or self._git.hexdigest() == self._file.git_sha1

    def wrong(self) -> UnsafeContent:
        """The error for content that is not `right`."""
        kind, published = ("SHA-256", self._file.sha256) if self._file.sha256 else ("Git SHA-1", self._file.git_sha1)
        found = self._git.hexdigest() if self._git is not None else self.sha256
        return UnsafeContent(
            f"{Path(self._file.path).name} has the {kind} {found}, published is {published}.",
            "The file was changed or damaged on its way; nothing was kept. Ask who publishes it.",
        )


class Follower:
    """Hashes a part behind its contiguous front, in a thread of its own, so that receiving does not wait for it.

    It reads from the file, which lies in the page cache still; hashing leaves the interpreter to others."""

    def __init__(self, part: Part, file: RemoteFile) -> None:
        self._part, self._digests = part, Digests(file, part.size)
        self._position = 0
        self._wake, self._last, self._abandoned = threading.Event(), False, False
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
        self._thread.start()

    def arrived(self) -> None:
        """Say that there is more."""
        self._wake.set()

    def finish(self) -> Digests:
        """The digests of all that is there. Raises OSError where it cannot be read."""
        self._last = True
        self._wake.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._digests

    def abandon(self) -> None:
        """End without a result."""
        self._abandoned = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        buffer = memoryview(bytearray(CHUNK))
        try:
            while not self._abandoned:
                last = self._last
                self._wake.clear()
                self._catch_up(buffer)
                if last:
                    return
                if not self._last:
                    self._wake.wait()
        except OSError as error:
            self._failure = error

    def _catch_up(self, buffer: memoryview) -> None:
        while self._position < (front := self._part.front) and not self._abandoned:
            count = self._part.read_into(buffer[: front - self._position], self._position)
            if not count:
                raise OSError(f"{self._part.path.name} was cut short meanwhile")
            self._digests.update(buffer[:count])
            self._position += count


def of_file(path: Path, file: RemoteFile) -> Digests:
    """The digests of a whole file. Raises OSError."""
    with path.open("rb", buffering=0) as content:
        digests = Digests(file, path.stat().st_size)
        buffer = memoryview(bytearray(CHUNK))
        while count := content.readinto(buffer):
            digests.update(buffer[:count])
    return digests
