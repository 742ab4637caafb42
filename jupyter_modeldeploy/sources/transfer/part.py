"""A file on its way: `KEY.part`, and beside it `KEY.part.json`, which says which of its bytes are there.

The record is written in place after each chunk, so that a process that is killed loses nothing of what it had
received. It also holds the validator of the revision that the bytes belong to, so that two are never mixed."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.sources.reference import RemoteFile

RECORD_BLOCK = 512
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass
class Section:
    """The bytes from `start` up to `end` (None: to the file's end, wherever that is), received up to `position`."""

    start: int
    position: int
    end: int | None
    taken: bool = False

    @property
    def complete(self) -> bool:
        return self.end is not None and self.position >= self.end

    @property
    def left(self) -> int:
        return 0 if self.end is None else self.end - self.position


class Part:
    """The content of `file` as far as it has arrived, in the open file `descriptor` at `path`.

    All methods may be called from several threads; a section is written to by the one that took it."""

    def __init__(self, descriptor: int, path: Path, file: RemoteFile) -> None:
        self._descriptor, self.path, self._record_path = descriptor, path, record_of(path)
        self._about = {"url": file.url, "sha256": file.sha256, "git_sha1": file.git_sha1, "boot": _boot()}
        self._lock = threading.Lock()
        self._record: int | None = None
        self._written, self.closed = 0, False
        self.size: int | None = file.size
        self.validator: str | None = None
        self.sections = [Section(0, 0, None)]

    @property
    def received(self) -> int:
        """How many of the file's bytes are there."""
        return sum(section.position - section.start for section in self.sections)

    @property
    def front(self) -> int:
        """Up to where the bytes are there without a gap."""
        front = 0
        for section in sorted(self.sections, key=lambda one: one.start):
            if section.start > front:
                break
            front = section.position
        return front

    @property
    def complete(self) -> bool:
        return all(section.complete for section in self.sections)

    def take_up(self) -> None:
        """Go on from what an earlier process left, where that is of the same file and, without a published hash, was
        received since the machine started: what a crash left may lack bytes that were said to be there."""
        known = _recall(self._record_path)
        same = known is not None and all(known.get(name) == self._about[name] for name in ("url", "sha256", "git_sha1"))
        hashed = self._about["sha256"] or self._about["git_sha1"]
        if known is None or not same or not (hashed or known.get("boot") == self._about["boot"]):
            return self.restart()
        try:
            sections = [Section(int(start), int(position), end) for start, position, end in known["sections"]]
            self.validator, size = known["validator"], known["size"]
        except (KeyError, TypeError, ValueError):
            return self.restart()
        length = os.fstat(self._descriptor).st_size
        if not sections or max(one.position for one in sections) > length or (self.size or size) != size:
            return self.restart()
        self.size, self.sections = size, _joined(sections)

    def begin(self, validator: str | None, size: int | None) -> None:
        """Remember the revision that the first answer is of, and how large it is if known."""
        with self._lock:
            self.validator = validator
            self.size = size if size is not None else self.size
            last = max(self.sections, key=lambda one: one.start)
            if last.end is None:
                last.end = self.size
            self._save()

    def take(self) -> Section | None:
        """A section that nobody works on and that lacks bytes."""
        with self._lock:
            for section in self.sections:
                if not section.taken and not section.complete:
                    section.taken = True
                    return section
        return None

    def split(self, smallest: int) -> Section | None:
        """The second half of the largest rest that somebody works on, as a section of its own, taken; None where the
        halves would be smaller than `smallest` bytes."""
        with self._lock:
            largest = max(self.sections, key=lambda one: one.left)
            if largest.left < 2 * smallest or largest.end is None:
                return None
            middle = largest.position + largest.left // 2
            half = Section(middle, middle, largest.end, taken=True)
            largest.end = middle
            self.sections.append(half)
            self._save()
        return half

    def write(self, section: Section, chunk: bytes | memoryview) -> bool:
        """Append what was received for the section; what lies beyond its end, which another may have taken meanwhile,
        is left out. False once no more is wanted for it."""
        with self._lock:
            if not self.holds(section):
                return False
            wanted = len(chunk) if section.end is None else min(len(chunk), section.end - section.position)
            position = section.position
        view = memoryview(chunk)[:wanted]
        while view:
            count = os.pwrite(self._descriptor, view, position)
            view, position = view[count:], position + count
        with self._lock:
            if not self.holds(section):  # it was discarded meanwhile, and its record with it
                return False
            section.position = position
            self._save()
            return not section.complete

    def finish(self, section: Section) -> None:
        """The server has no more bytes: what has arrived is all, where nobody said how many there are."""
        with self._lock:
            if section.end is None:
                section.end = self.size = section.position
                self._save()

    def holds(self, section: Section) -> bool:
        """Whether the section is one of this part still: after a restart it is not."""
        return not self.closed and any(section is one for one in self.sections)

    def give_back(self, section: Section) -> None:
        with self._lock:
            section.taken = False

    def restart(self) -> None:
        """Forget what is there: one section, from the first byte."""
        with self._lock:
            self._close_record()
            self._record_path.unlink(missing_ok=True)
            os.ftruncate(self._descriptor, 0)
            self.validator, self.sections = None, [Section(0, 0, self.size)]

    def discard(self) -> None:
        self.restart()
        self.path.unlink(missing_ok=True)

    def read_into(self, buffer: memoryview, position: int) -> int:
        return os.preadv(self._descriptor, [buffer], position)

    def close(self) -> None:
        """Take no more bytes. What is there, and the record of it, stays."""
        with self._lock:
            self.closed = True
            self._close_record()

    def done(self) -> None:
        """The whole, verified file is there: its record goes."""
        self.close()
        os.ftruncate(self._descriptor, self.size or 0)  # a section of an earlier revision may have ended beyond
        self._record_path.unlink(missing_ok=True)

    def _save(self) -> None:
        if self._record is None:
            self._record = os.open(self._record_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        sections = [(one.start, one.position, one.end) for one in self.sections]
        known = self._about | {"validator": self.validator, "size": self.size, "sections": sections}
        text = json.dumps(known).encode()
        self._written = max(self._written, -(-len(text) // RECORD_BLOCK) * RECORD_BLOCK)
        os.pwrite(self._record, text.ljust(self._written), 0)

    def _close_record(self) -> None:
        if self._record is not None:
            os.close(self._record)
            self._record = None


def record_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def received_before(part: Path) -> int:
    """How many bytes of a file an earlier process left in `part`; 0 where that is unknown."""
    known = _recall(record_of(part))
    try:
        return sum(position - start for start, position, _ in known["sections"]) if known else 0
    except (KeyError, TypeError, ValueError):
        return 0


def _joined(sections: list[Section]) -> list[Section]:
    """Sections of which one goes on where another is complete, as one."""
    joined: list[Section] = []
    for section in sorted(sections, key=lambda one: one.start):
        if joined and joined[-1].complete and joined[-1].end == section.start:
            joined[-1].position, joined[-1].end = section.position, section.end
        else:
            joined.append(section)
    return joined


def _recall(record: Path) -> dict[str, Any] | None:
    try:
        known = json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return known if isinstance(known, dict) else None


def _boot() -> str | None:
    try:
        return BOOT.read_text().strip()
    except OSError:
        return None  # not Linux: then a boot cannot be told from another
