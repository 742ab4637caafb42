"""From what a service's processes recorded to what the units of each version did."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy.experiments import spool, suspicions
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
    """Counts the segments of the folder `spool` into the file `kept`, each once, and removes them."""

    def __init__(self, spool: Path, kept: Path) -> None:
        self._spool = spool
        self._kept = Kept(kept)
        self._counted: Counted | None = None

    def fold(self) -> int:
        """Count what has come since, and give the number of its rows.

        A segment's name is kept in the transaction that counts it: one that was counted but not removed, since the
        process was killed in between, is only removed."""
        rows, waiting = 0, spool.segments(self._spool)
        while waiting:
            more, done = self._fold(waiting)
            rows, waiting = rows + more, waiting[done:]
        return rows

    def observed(self, base: str, candidate: str, metrics: Sequence[Metric] = (), since: int = 0) -> list[Observed]:
        """What the units of `base` and of `candidate` (`name@2`) did in each stage of the traffic's split from `since`
        on, stage by stage. Units that got both within a stage are left out.

        There are always the sums `requests`, `errors` and `latency_ms`; `confidence` with `confidences`, how many
        requests have one, where any has; and of the outcomes those that `metrics` ask for and that have come at all.
        An outcome belongs to the stage that its unit was in at its time."""
        return self._all().observed(base, candidate, metrics, since)

    def suspicions(self) -> list[Suspicion]:
        """What was left out, and which units look like no user."""
        return suspicions.of(self._all(), self._kept)

    def close(self) -> None:
        self._kept.close()

    def _all(self) -> Counted:
        if self._counted is None:
            self._counted = Counted(self._kept)
        return self._counted

    def _fold(self, paths: Sequence[Path]) -> tuple[int, int]:
        """The rows that were new of the first of these segments, and how many segments were dealt with."""
        dealt_with: list[Path] = []
        with self._kept.transaction() as connection:
            folding = Folding(connection)
            for path in paths:
                known = connection.execute("SELECT 1 FROM segments WHERE name = ?", [path.name]).fetchone()
                if known is None and _take(path, folding):
                    connection.execute("INSERT INTO segments VALUES (?)", [path.name])
                dealt_with.append(path)
                if folding.rows >= ROWS_AT_ONCE:
                    break
            folding.write()
        self._counted = None
        for path in dealt_with:
            path.unlink(missing_ok=True)
        return folding.rows, len(dealt_with)


def _take(path: Path, folding: Folding) -> bool:
    """False where another process has counted it meanwhile."""
    try:
        folding.take(spool.read(path))
    except FileNotFoundError:
        return False
    except ValueError as error:
        log.error("a segment is left out: %s", error)
        folding.count("dropped")
    return True
