"""What is counted of what was recorded: each row once, whatever happens to the files and to who counts them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from jupyter_modeldeploy.experiments import folding, spool, suspicions
from jupyter_modeldeploy.experiments.collecting import Collector
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.spool import Spool
from jupyter_modeldeploy.records import Metric

BASE, CANDIDATE = "m@1", "m@2"
ARMS = [(1, BASE, 0.5), (1, CANDIDATE, 0.5), (4, BASE, 0.1), (4, CANDIDATE, 0.9)]
BUYS = Metric(name="buys", of="buys")
SLOWEST = Metric(name="p99", kind="percentile", percentile=0.99, of="latency_ms")
DEAREST = Metric(name="dearest", kind="percentile", percentile=0.9, of="buys")

Row = list[Any]


def exposure(arm: int, unit: str | None, at: int, request: str | None = None, **more: Any) -> Row:
    """A row at so many seconds."""
    told = {"microseconds": 2000, "failed": 0, "confidence": None, "region": "", **more}
    return [arm, unit, request, at * 1000, *told.values()]


def outcome(unit: str | None, value: float = 1.0, at: int | None = None, **more: Any) -> Row:
    told = {"request": None, "metric": "buys", "id": None, "received": 10_000, "before": 0, **more}
    when = None if at is None else at * 1000
    return [unit, told["request"], told["metric"], value, told["id"], when, told["received"] * 1000, told["before"]]


class Kept:
    """A collector and the folder that it reads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.spool = Spool(folder / spool.FOLDER)
        self.file = folder / "kept.sqlite"
        self.collector = Collector(self.spool.folder, self.file)

    def add(self, exposures: Sequence[Row] = (), outcomes: Sequence[Row] = (), dropped: int = 0) -> Path:
        lines = [orjson.dumps({"exposures": exposures}), orjson.dumps({"outcomes": outcomes})]
        return self.spool.write(ARMS, ["region"], lines, len(exposures) + len(outcomes), dropped)

    def fold(self, exposures: Sequence[Row] = (), outcomes: Sequence[Row] = ()) -> int:
        self.add(exposures, outcomes)
        return self.collector.fold()

    def observed(self, *metrics: Metric) -> dict[tuple[int, str], Observed]:
        found = self.collector.observed(BASE, CANDIDATE, metrics or (BUYS, SLOWEST, DEAREST))
        return {(one.stage, one.version): one for one in found}

    def sums(self, name: str, stage: int = 1, version: str = BASE) -> list[float]:
        return sorted(self.observed()[stage, version].sums[name].tolist())

    def suspicions(self) -> dict[str, int]:
        return {one.kind: one.count for one in self.collector.suspicions()}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path / "kept")
    yield one
    one.collector.close()


def told(kept: Kept) -> Any:
    """All that a judge is handed, and all suspicions."""
    return [
        (
            key,
            {name: values.tolist() for name, values in one.sums.items()},
            {
                name: sorted(zip(rows.units.tolist(), rows.values.tolist(), strict=True))
                for name, rows in one.rows.items()
            },
            {name: values.tolist() for name, values in one.attributes.items()},
            {name: np.nan_to_num(values, nan=-1).tolist() for name, values in one.before.items()},
            None if one.first_at is None else one.first_at.tolist(),
        )
        for key, one in kept.observed().items()
    ], kept.suspicions()


def test_requests_of_a_unit_are_added_up(kept: Kept) -> None:
    rows = [
        exposure(0, "ann", 10, region="eu", confidence=500_000),
        exposure(0, "ann", 5, microseconds=4000, failed=1, region="us"),
        exposure(1, "bob", 7),
        exposure(0, None, 8, request="r1"),
    ]
    assert kept.fold(rows) == 4
    observed = kept.observed()
    base = observed[1, BASE]
    ann = base.sums["requests"].tolist().index(2)
    assert [base.sums[name][ann] for name in ("errors", "latency_ms", "confidence", "confidences")] == [1, 6, 0.5, 1]
    assert (base.units, base.weight, base.first_at[ann], base.attributes["region"][ann]) == (2, 0.5, 5, "us")
    assert (observed[1, CANDIDATE].units, "confidence" in observed[1, CANDIDATE].sums) == (1, False)
    assert observed[4, BASE].units == 0
    assert "buys" not in base.sums
    assert sorted(base.rows["latency_ms"].values) == [2, 2, 4]
    assert spool.segments(kept.spool.folder) == []


@pytest.mark.parametrize("seed", range(4))
def test_any_order_any_cut_and_any_replay_count_the_same(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "SAMPLED", 40)
    monkeypatch.setattr("jupyter_modeldeploy.experiments.collecting.ROWS_AT_ONCE", 30)
    dice = random.Random(seed)
    exposures = [
        exposure(
            *(dice.randrange(4), None if dice.random() < 0.2 else f"u{dice.randrange(60)}", number + 1),
            request=f"r{number}" if dice.random() < 0.5 else f"q{number}",
            microseconds=dice.randrange(1, 9000),
            failed=dice.randrange(2),
            region=dice.choice(["", "eu", "us"]),
        )
        for number in range(400)
    ]
    outcomes = [
        outcome(
            *((f"u{dice.randrange(80)}", None)[of_request := dice.random() < 0.4],),
            value=dice.randrange(9),
            at=None if dice.random() < 0.3 else dice.randrange(500),
            request=f"r{dice.randrange(400)}" if of_request else None,
            id=f"i{dice.randrange(100)}" if dice.random() < 0.5 else None,
            received=number,
            before=0 if of_request else int(dice.random() < 0.2),
        )
        for number in range(300)
    ]
    results = []
    for form in range(3):
        kept = Kept(tmp_path / f"{seed}-{form}")
        rows = [(one, True) for one in exposures] + [(one, False) for one in outcomes]
        if form:
            dice.shuffle(rows)
        while rows:
            size = dice.randrange(1, 60) if form else len(rows)
            part, rows = rows[:size], rows[size:]
            path = kept.add([one for one, is_one in part if is_one], [one for one, is_one in part if not is_one])
            shutil.copy(path, copy := tmp_path / "copy")
            if dice.random() < 0.7:
                kept.collector.fold()
                shutil.copy(copy, path)  # as if the process had been killed before it removed the file
                if dice.random() < 0.5:
                    kept.collector.close()
                    kept.collector = Collector(kept.spool.folder, kept.file)
        kept.collector.fold()
        results.append(told(kept))
        kept.collector.close()
    assert results[0] == results[1] == results[2]
    stages, suspected = results[0]
    assert {"crossed", "duplicate", "unknown"} <= suspected.keys()
    assert all(len(rows["latency_ms"]) <= 40 for _, _, rows, *_ in stages)


def test_a_kill_before_the_commit_counts_nothing_and_after_it_once(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept.add([exposure(0, "ann", 1)])

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folding.Folding, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.collector.fold()
    assert path.exists()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.collector.fold()
    assert path.exists()
    assert kept.collector.fold() == 0
    assert not path.exists()
    assert kept.sums("requests") == [1]


def test_an_outcome_belongs_to_the_stage_in_which_its_unit_was_then(kept: Kept) -> None:
    kept.fold(
        [exposure(0, "ann", 100), exposure(3, "ann", 200)],
        [outcome("ann", 1, at=150), outcome("ann", 10, at=250), outcome("ann", 100, at=50), outcome("ann", 1000, at=9)],
    )
    assert kept.sums("buys", 1, BASE) == [101]  # clocks differ, by less than a minute
    assert kept.sums("buys", 4, CANDIDATE) == [10]
    assert kept.suspicions() == {"unknown": 1}


def test_an_outcome_may_come_before_its_exposure_and_waits_for_it(kept: Kept) -> None:
    kept.fold(outcomes=[outcome("ann", 3), outcome(None, 4, request="r1"), outcome(None, 5, request="r2")])
    assert kept.suspicions() == {"unknown": 3}
    kept.fold([exposure(0, "ann", 1), exposure(0, None, 2, request="r1"), exposure(0, "bob", 3, request="r2")])
    assert kept.sums("buys") == [3, 4, 5]
    assert kept.suspicions() == {}
    assert sorted(kept.observed()[1, BASE].rows["buys"].values) == [3, 4, 5]


def test_an_outcome_that_comes_twice_counts_once(kept: Kept) -> None:
    kept.fold([exposure(0, "ann", 1), exposure(0, None, 1, request="r")])
    twice = [outcome("ann", 1, id="a"), outcome(None, 2, request="r"), outcome("ann", 4), outcome("ann", 4)]
    kept.fold(outcomes=twice)
    kept.fold(outcomes=[outcome("ann", 8, id="a", received=10_001), outcome(None, 9, request="r", received=10_001)])
    assert kept.sums("buys") == [2, 9]  # without an id two purchases are two
    assert kept.suspicions() == {"duplicate": 2}


def test_units_that_cross_within_a_stage_are_left_out_and_told(kept: Kept) -> None:
    kept.fold(
        [exposure(0, "both", 1), exposure(1, "both", 2), exposure(0, "moved", 3), exposure(3, "moved", 4)],
        [outcome("both", 7), outcome("moved", 2)],
    )
    assert {key: one.units for key, one in kept.observed().items()} == {
        (1, BASE): 1,
        (1, CANDIDATE): 0,
        (4, BASE): 0,
        (4, CANDIDATE): 1,
    }
    assert (kept.sums("buys", 1, BASE), kept.sums("buys", 4, CANDIDATE)) == ([0], [2])
    assert kept.suspicions() == {"crossed": 1}
    assert [one.stage for one in kept.collector.observed(BASE, CANDIDATE, since=2)] == [4, 4]


def test_what_is_known_from_before_is_apart(kept: Kept) -> None:
    kept.fold(
        [exposure(0, "ann", 100), exposure(0, "bob", 100)],
        [outcome("ann", 5, at=1, before=1), outcome("ann", 6, before=1), outcome("bob", 1), outcome("cy", 9, before=1)],
    )
    base = kept.observed()[1, BASE]
    assert sorted(zip(base.sums["buys"], np.nan_to_num(base.before["buys"], nan=-1), strict=True)) == [(0, 11), (1, -1)]
    assert kept.suspicions() == {}


def test_a_damaged_segment_and_dropped_rows_are_counted_and_hold_nobody_up(kept: Kept) -> None:
    kept.add([exposure(0, "ann", 1)], dropped=3).write_bytes(b'{"arms": [')
    kept.add([exposure(0, "bob", 1)], dropped=3)
    kept.collector.fold()
    kept.collector.fold()
    assert kept.sums("requests") == [1]
    assert kept.suspicions() == {"dropped": 4}


def test_a_busy_unit_is_told_and_others_with_much_to_ask_are_not() -> None:
    usual = np.random.default_rng(1).lognormal(2, 1, 100_000).astype(np.int64) + 1
    assert suspicions.busy(usual).sum() == 0
    assert suspicions.busy(np.append(usual, 100_000))[-1]
    assert suspicions.busy(np.array([1, 1, 1, 1, 9, 11])).tolist() == [False] * 5 + [True]
    assert suspicions.busy(np.array([1000])).tolist() == [False]
