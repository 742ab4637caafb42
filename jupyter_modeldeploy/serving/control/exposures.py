"""Which unit got which version, and how it was answered, for those who compare versions.

A row is for a request whose version the traffic's split chose: of the version that was chosen, also where another one
answered in its place (intention to treat). A request without a unit is a unit of its own, by its X-Request-Id."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from jupyter_modeldeploy.errors import Overloaded
from jupyter_modeldeploy.experiments.spool import MAX_BYTES, Arm, Spool, unit_name
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.plan import split_name
from jupyter_modeldeploy.serving.request_headers import ATTRIBUTE_HEADER, ID_HEADER, UNIT_HEADER

if TYPE_CHECKING:
    from jupyter_modeldeploy import records
    from jupyter_modeldeploy.records import Recording, ServedModel
    from jupyter_modeldeploy.serving.protocols.call import Answer

FLUSH_S = 1.0
UNREAD_S = 60.0
"""Where nobody has read what was written for so long, segments are written so rarely: they would only become many."""
MAX_LINES_BYTES = 4 * 2**20
"""As soon as there is so much, it is written."""
MAX_VALUE_CHARACTERS = 64

log = logging.getLogger(__name__)

Key = tuple[int, str, str]
"""The stage of a request, its version, and the experiment in whose range of a namespace its unit is, or ''."""
Row = tuple[int, str, str, bytes | None, bytes | None, float, float, bool, float | None, Sequence[bytes]]


class Exposures:
    """What one server process saw. Rows wait in memory until `tick`, which is called some times a second: a request
    never waits for a disk. `dropped` is told of the number of those that could not be kept.

    `stage` is the revision since which all of the traffic is split as it is: whoever compares must not mix two. What is
    written of a row is the stage of the one split that chose its version, which may be an earlier one."""

    def __init__(self, folder: Path, dropped: Callable[[int], None], max_bytes: int = MAX_BYTES) -> None:
        self.stage = 0
        self._spool = Spool(folder, max_bytes)
        self._tell_dropped = dropped
        self._names: list[str] = []
        self._headers: list[bytes] = []
        self._rows: list[Row] = []
        self._lines: list[bytes] = []
        self._lines_bytes = self._lines_rows = self._dropped = 0
        self._described: dict[Key, Arm] = {}
        self._arms: dict[Key, int] = {}
        self._flush_at = 0.0
        self._unread: tuple[Path, float] | None = None
        self._complained = False
        self._prefix = secrets.token_hex(8).encode()
        self._numbers = itertools.count()

    def configure(
        self, recording: Recording, models: Sequence[ServedModel], stage: int, stages: Mapping[str, int]
    ) -> None:
        """From now on keep these attributes, of requests that the splits of `stage` let a version have; each split is
        as it is since its own one of `stages`, where that is known."""
        self.flush()
        self.stage = stage
        self._names = list(recording.attributes)
        self._headers = [ATTRIBUTE_HEADER + name.lower().encode() for name in self._names]
        self._unread = None
        for served in models:
            splits = [("", served.arms), *((one.name, one.arms) for one in served.ranges)]
            for experiment, arms in splits:
                since = stages.get(split_name(served.model, experiment), stage)
                for version, share in _shares(served.model, arms):
                    self._described[stage, version, experiment] = Arm(since, version, share, experiment)

    def at_once(
        self,
        version: ServedVersion,
        headers: Headers,
        seconds: float,
        items: Any,
        answer: Answer,
        experiment: str = "",
    ) -> None:
        """A request was answered by a run of its own, within `seconds`, with `items` where it was asked in the words of
        its task. Every microsecond counts here."""
        unit, request = headers.get(UNIT_HEADER) or None, None
        if unit is None:
            request = b"%b-%x" % (self._prefix, next(self._numbers))
            answer.extra_headers = (*answer.extra_headers, (ID_HEADER, request))
        confidence = None if items is None else confidence_of(items)
        kept = [headers.get(name, b"") for name in self._headers] if self._headers else ()
        at = time.time()
        self._rows.append((self.stage, version.ref, experiment, unit, request, at, seconds, False, confidence, kept))

    def answered(
        self,
        stage: int,
        version: ServedVersion,
        experiment: str,
        headers: Headers,
        request: bytes,
        seconds: float,
        failed: bool,
        confidence: float | None,
    ) -> None:
        """A request with the id `request` that got `version` in `stage`, in the range of that `experiment` or in none,
        was answered, or will not be."""
        unit = headers.get(UNIT_HEADER) or None
        kept = [headers.get(name, b"") for name in self._headers]
        row = (stage, version.ref, experiment, unit, request or None, time.time(), seconds, failed, confidence, kept)
        self._rows.append(row)

    def take(self, outcomes: list[list[Any]]) -> None:
        """Keep these rows of outcomes. Raises Overloaded where there is no room for them."""
        line = orjson.dumps({"outcomes": outcomes})
        try:
            has_room = self._spool.has_room(self._lines_bytes + len(line))
        except OSError as error:
            raise Overloaded(f"Outcomes cannot be kept now: {error.strerror}.", "Send them again later.", 30) from error
        if not has_room:
            raise Overloaded("There is no room for outcomes now.", "Send them again later.", 30)
        self._add(line, len(outcomes))

    def tick(self) -> None:
        """To be called some times a second."""
        self._encode()
        now = time.monotonic()
        if self._lines_bytes >= MAX_LINES_BYTES or now >= self._flush_at:
            self._write()
            self._flush_at = now + (UNREAD_S if self._is_unread(now) else FLUSH_S)

    def flush(self) -> None:
        """Write what is left to be written."""
        self._encode()
        self._write()

    def close(self) -> None:
        """The same, and tell of what was dropped, however full the folder is."""
        self.flush()
        if self._dropped:
            try:
                self._spool.write([], [], [], 0, self._dropped)
            except OSError as error:
                log.error("%d rows were dropped, and that cannot be written either: %s", self._dropped, error)
            self._dropped = 0

    def _encode(self) -> None:
        if not self._rows:
            return
        rows, self._rows = self._rows, []
        arms = self._arms
        encoded = [
            [
                arms.setdefault((stage, version, experiment), len(arms)),
                None if unit is None else unit_name(_text(unit)),
                None if request is None else request.decode("latin-1"),
                int((at - seconds) * 1e3),
                int(seconds * 1e6),
                int(failed),
                None if confidence is None else int(confidence * 1e6),
                *[value.decode("utf-8", "replace")[:MAX_VALUE_CHARACTERS] for value in kept],
            ]
            for stage, version, experiment, unit, request, at, seconds, failed, confidence, kept in rows
        ]
        self._add(orjson.dumps({"exposures": encoded}), len(rows))

    def _add(self, line: bytes, rows: int) -> None:
        self._lines.append(line)
        self._lines_bytes += len(line)
        self._lines_rows += rows

    def _write(self) -> None:
        """Where that fails the rows are dropped, and the log says so once."""
        if not self._lines:
            return
        lines, rows, arms = self._lines, self._lines_rows, self._arms
        size = self._lines_bytes
        self._lines, self._arms, self._lines_bytes, self._lines_rows = [], {}, 0, 0
        try:
            if not self._spool.has_room(size):
                self._drop(rows, "there is too much of it, and nobody reads it")
                return
            stages = {stage for stage, _, _ in arms}
            silent = [key for key, arm in self._described.items() if arm.share and key[0] in stages and key not in arms]
            described = [self._described.get(key) or Arm(key[0], key[1], 0.0, key[2]) for key in [*arms, *silent]]
            path = self._spool.write(described, self._names, lines, rows, self._dropped)
        except OSError as error:
            self._drop(rows, str(error))
            return
        self._dropped, self._complained = 0, False
        self._unread = self._unread or (path, time.monotonic())

    def _drop(self, rows: int, why: str) -> None:
        self._dropped += rows
        self._tell_dropped(rows)
        if not self._complained:
            log.error("what versions did is not recorded: %s", why)
        self._complained = True

    def _is_unread(self, now: float) -> bool:
        if self._unread is None:
            return False
        path, since = self._unread
        if path.exists():
            return now - since > UNREAD_S
        self._unread = None
        return False


def _text(header: bytes) -> str:
    """As its client meant it: some send UTF-8, others Latin-1."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _shares(model: str, arms: Sequence[records.Arm]) -> Iterator[tuple[str, float]]:
    total = sum(arm.weight for arm in arms)
    return ((f"{model}@{arm.version}", arm.weight / total) for arm in arms)


def confidence_of(items: Any) -> float | None:
    """The mean of the items' scores, where each answer has one from 0 to 1."""
    try:
        mean = sum([item["score"] for item in items]) / len(items)
        return mean if 0 <= mean <= 1 else None
    except (KeyError, TypeError, IndexError, ZeroDivisionError):
        return None  # the task has none
