"""From what a service's processes recorded to what the units of each version did."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy.errors import Unavailable
from jupyter_modeldeploy.experiments import handing, segments, spool, suspicions
from jupyter_modeldeploy.experiments.counted import Counted
from jupyter_modeldeploy.experiments.folding import Folding
from jupyter_modeldeploy.experiments.kept import Kept
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.records import Metric, Suspicion

ROWS_AT_ONCE = 100_000
KEPT = "exposures.sqlite"
"""The file's name in a service's folder: what was counted of one spool belongs together."""

log = logging.getLogger(__name__)


class Collector:
    """Counts the segments of the folder `spool` into the file `kept`, each once, and removes them.

    All of it raises StorageFull where the disk is full, and Unavailable where the file is busy or cannot be read now:
    then nothing was counted, nothing is lost, and it may be called again."""

    def __init__(self, spool: Path, kept: Path) -> None:
        self._spool = spool
        self._kept = Kept(kept)
        self._counted: Counted | None = None

    def fold(self) -> int:
        """Count what has come since, and give the number of its rows. Of damaged segments that is what can be read.

        A segment's name is kept in the transaction that counts it: one that was counted but not removed, since the
        process was killed in between, is only removed."""
        rows, waiting = 0, spool.segments(self._spool)
        while waiting:
            more, done = self._fold(waiting)
            rows, waiting = rows + more, waiting[done:]
        return rows

    def observed(
        self, base: str, candidate: str, metrics: Sequence[Metric] = (), since: int = 0, experiment: str = ""
    ) -> list[Observed]:
        """What the units of `base` and of `candidate` (`name@2`) did in each stage of the traffic's split from `since`
        on, stage by stage: those in the range of a namespace that the `experiment` has, or of those in none. Units that
        got both within a stage are left out.

        There are always the sums `requests`, `errors` and `latency_ms`; `confidence` with `confidences`, how many
        requests have one, where any has; and of the outcomes those that `metrics` ask for and that have come at all.
        An outcome belongs to the stage that its unit was in at its time."""
        return handing.observed(self._all(), base, candidate, metrics, since, experiment)

    def suspicions(
        self,
        base: str,
        candidate: str,
        metrics: Sequence[Metric] = (),
        since: int = 0,
        experiment: str = "",
        begun_at: float = 0.0,
    ) -> list[Suspicion]:
        """What was left out of what `observed` gives, and which of its units look like no user. Rows that were lost
        before they were counted are of the whole service, since nobody knows whose they were: all those that have been
        told of since `begun_at`, in seconds since the epoch."""
        counted = self._all()
        mine = handing.groups_of(counted, base, candidate, since, experiment)
        return suspicions.of(counted, self._kept, mine, handing.outcomes_of(metrics), begun_at)

    def close(self) -> None:
        self._kept.close()

    def _all(self) -> Counted:
        """The first time all is read; later what has changed."""
        counted, self._counted = self._counted, None  # one that could not follow is good for nothing
        if counted is None:
            counted = Counted(self._kept)
        else:
            counted.follow()
        self._counted = counted
        return counted

    def _fold(self, paths: Sequence[Path]) -> tuple[int, int]:
        """The rows that were new of the first of these segments, and how many segments were dealt with."""
        dealt_with: list[Path] = []
        with self._kept.fold() as connection:
            self._forget(connection)
            folding = Folding(connection)
            for path in paths:
                known = connection.execute("SELECT 1 FROM segments WHERE name = ?", [path.name]).fetchone()
                if known is None and _take(path, folding):
                    connection.execute("INSERT INTO segments VALUES (?)", [path.name])
                dealt_with.append(path)
                if folding.rows >= ROWS_AT_ONCE:
                    break
            folding.write()
        for path in dealt_with:
            _remove(path)
        return folding.rows, len(dealt_with)

    def _forget(self, connection: sqlite3.Connection) -> None:
        """The names of segments that are there no more: none is written twice."""
        names = [name for (name,) in connection.execute("SELECT name FROM segments")]
        gone = [[name] for name in names if not (self._spool / name).exists()]
        connection.executemany("DELETE FROM segments WHERE name = ?", gone)


def _take(path: Path, folding: Folding) -> bool:
    """False where another process has counted it meanwhile."""
    try:
        segment = segments.read(path)
    except FileNotFoundError:
        return False
    except (PermissionError, IsADirectoryError) as error:  # it will not be any other time
        segment = segments.Segment(damaged=f"cannot be read: {error.strerror}")
    except OSError as error:
        raise Unavailable(f"{path.name} cannot be read now: {error.strerror}.", "It is tried again.") from error
    if segment.damaged:
        log.error("The segment %s %s; %d of its rows are lost.", path.name, segment.damaged, segment.lost)
    folding.take(segment, spool.written_at(path))
    return True


def _remove(path: Path) -> None:
    """Where that cannot be done its name stays among those that were counted."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("The segment %s was counted and cannot be removed: %s.", path.name, error.strerror)
