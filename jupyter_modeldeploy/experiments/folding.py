"""Adding segments to what was counted before.

Whatever order they come in and however they are cut, the same is counted: sums are of whole numbers, of doubles the
earliest one stands, and which latencies are kept depends on digests alone."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence

from jupyter_modeldeploy.experiments.kept import MOST_OF_A_UNIT, identity, unit_number
from jupyter_modeldeploy.experiments.segments import Exposure, Segment
from jupyter_modeldeploy.experiments.spool import Arm

SAMPLED = 100_000
"""Latencies that are kept of one version in one stage, for percentiles. Beyond it half of the units are forgotten,
chosen by their digests, and again as often as it takes."""

_ADD_EXPOSURES = """
INSERT INTO exposures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (arm, unit) DO UPDATE SET
    requests = requests + excluded.requests, errors = errors + excluded.errors,
    microseconds = microseconds + excluded.microseconds, confidence = confidence + excluded.confidence,
    confidences = confidences + excluded.confidences, first_at = min(first_at, excluded.first_at),
    attributes = CASE WHEN excluded.first_at < first_at THEN excluded.attributes ELSE attributes END"""
_ADD_OUTCOMES = """
INSERT INTO outcomes (identity, unit, metric, value, at, received, before) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (identity) DO UPDATE SET
    unit = excluded.unit, metric = excluded.metric, value = excluded.value, at = excluded.at,
    received = excluded.received, before = excluded.before
WHERE (excluded.received, excluded.value) < (received, value)"""
_ADD_REQUESTS = """
INSERT INTO requests VALUES (?, ?, ?) ON CONFLICT (request) DO UPDATE SET unit = excluded.unit, at = excluded.at
WHERE (excluded.at, excluded.unit) < (at, unit)"""
_ADD_REPEATS = "INSERT INTO repeats VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET count = count + excluded.count"
_ADD_LOSSES = "INSERT INTO losses VALUES (?, ?, ?) ON CONFLICT (at, kind) DO UPDATE SET count = count + excluded.count"

Unit = tuple[int, int]
"""The arm's number and the unit's."""


class Folding:
    """Takes segments, then writes all of them in the transaction that is open on `connection`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.rows = 0
        self._connection = connection
        self._arms: dict[Arm, int] = {}
        self._halvings: dict[int, int] = {}
        self._attributes: dict[tuple[str, ...], int] = {}
        self._sums: dict[Unit, list[int]] = {}
        self._samples: dict[Unit, list[tuple[int, int]]] = {}
        self._requests: list[tuple[int, int, int]] = []
        self._outcomes: list[tuple[object, ...]] = []
        self._losses: Counter[tuple[int, str]] = Counter()

    def take(self, segment: Segment, at: int) -> None:
        """One more, which was written `at` so many milliseconds since the epoch."""
        arms = [self._arm(arm) for arm in segment.arms]
        for row in segment.exposures:
            self._expose(arms[row[0]], row, segment.attributes)
        for row in segment.outcomes:
            self._note(*row)
        self._losses[at, "dropped"] += segment.dropped
        self._losses[at, "damaged"] += bool(segment.damaged)
        self._losses[at, "lost"] += segment.lost
        self.rows += segment.rows

    def write(self) -> None:
        """What was taken, beside what was there."""
        execute_many = self._connection.executemany
        execute_many(_ADD_EXPOSURES, ((*unit, *self._sums[unit]) for unit in sorted(self._sums)))
        execute_many(_ADD_REQUESTS, self._requests)
        self._add_outcomes()
        execute_many(_ADD_LOSSES, ((*loss, count) for loss, count in self._losses.items() if count))
        self._write_samples()

    def _expose(self, arm: int, row: Exposure, names: Sequence[str]) -> None:
        _, unit, request, at, microseconds, failed, confidence, *values = row
        number = unit_number(unit, request)
        if unit is not None and request is not None:
            self._requests.append((unit_number(None, request), number, at))
        known = confidence is not None
        sums = self._sums.get((arm, number))
        if sums is None:
            attributes = self._attribute_set(names, values)
            self._sums[arm, number] = [1, failed, microseconds, confidence or 0, int(known), at, attributes]
        else:
            sums[0] += 1
            sums[1] += failed
            sums[2] += microseconds
            sums[3] += confidence or 0
            sums[4] += known
            if at < sums[5]:
                sums[5], sums[6] = at, self._attribute_set(names, values)
        if not number & ((1 << self._halvings[arm]) - 1):
            self._samples.setdefault((arm, number), []).append((hash((at, microseconds)), microseconds))

    def _note(
        self,
        unit: str | None,
        request: str | None,
        metric: str,
        value: float,
        outcome_id: str | None,
        at: int | None,
        received: int,
        before: int,
    ) -> None:
        same = identity(outcome_id, request, metric)
        when = received if at is None else at
        self._outcomes.append((same, unit_number(unit, request), metric, value, when, received, before))

    def _add_outcomes(self) -> None:
        """Those that change one that was there, or nothing, are duplicates."""
        connection = self._connection
        (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM outcomes").fetchone()
        connection.executemany(_ADD_OUTCOMES, self._outcomes)
        (added,) = connection.execute("SELECT count(*) FROM outcomes WHERE number > ?", [last]).fetchone()
        if added < len(self._outcomes):
            self._count_repeats(last)

    def _count_repeats(self, last: int) -> None:
        """How often each outcome came again; those up to the number `last` were there before."""
        repeats = []
        for same, times in Counter(row[0] for row in self._outcomes if row[0] is not None).items():
            query = "SELECT number FROM outcomes WHERE identity = ?"
            (number,) = self._connection.execute(query, [same]).fetchone()
            repeats.append((number, times - (number > last)))
        self._connection.executemany(_ADD_REPEATS, (each for each in repeats if each[1]))

    def _arm(self, arm: Arm) -> int:
        if arm not in self._arms:
            stage, version, _, experiment = arm
            columns = "INSERT OR IGNORE INTO arms (stage, version, share, experiment)"
            self._connection.execute(f"{columns} VALUES (?, ?, ?, ?)", arm)
            query = "SELECT number, halvings FROM arms WHERE stage = ? AND version = ? AND experiment = ?"
            self._arms[arm], halvings = self._connection.execute(query, [stage, version, experiment]).fetchone()
            self._halvings[self._arms[arm]] = halvings
        return self._arms[arm]

    def _attribute_set(self, names: Sequence[str], values: Sequence[str]) -> int:
        key = (*names, *values)
        if key not in self._attributes:
            told = {name: value for name, value in zip(names, values, strict=True) if value}
            document = json.dumps(told, sort_keys=True)
            self._connection.execute("INSERT OR IGNORE INTO attributes (document) VALUES (?)", [document])
            query = "SELECT number FROM attributes WHERE document = ?"
            (self._attributes[key],) = self._connection.execute(query, [document]).fetchone()
        return self._attributes[key]

    def _write_samples(self) -> None:
        self._connection.executemany(
            "INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?)",
            (
                (*unit, *latency)
                for unit in sorted(self._samples)
                for latency in sorted(self._samples[unit])[:MOST_OF_A_UNIT]
            ),
        )
        self._limit_units()
        for arm in {arm for arm, _ in self._samples}:
            self._limit_arm(arm)

    def _limit_units(self) -> None:
        """Of each unit that has too many leave the latencies with the lowest digests."""
        busy = self._connection.execute(f"SELECT arm, unit FROM exposures WHERE requests > {MOST_OF_A_UNIT}")
        for arm, unit in {*busy.fetchall()} & self._samples.keys():
            self._connection.execute(
                "DELETE FROM samples WHERE arm = :arm AND unit = :unit AND place > (SELECT place FROM samples"
                " WHERE arm = :arm AND unit = :unit ORDER BY place LIMIT 1 OFFSET :last)",
                {"arm": arm, "unit": unit, "last": MOST_OF_A_UNIT - 1},
            )

    def _limit_arm(self, arm: int) -> None:
        connection, query = self._connection, "SELECT count(*) FROM samples WHERE arm = ?"
        while connection.execute(query, [arm]).fetchone()[0] > SAMPLED:
            self._halvings[arm] += 1
            connection.execute("UPDATE arms SET halvings = ? WHERE number = ?", [self._halvings[arm], arm])
            mask = (1 << self._halvings[arm]) - 1
            connection.execute("DELETE FROM samples WHERE arm = ? AND unit & ? != 0", [arm, mask])
