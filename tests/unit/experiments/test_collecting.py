"""What is counted of what was recorded: each row once, whatever happens to the files and to who counts them."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from jupyter_modeldeploy.errors import Conflict, StorageFull, Unavailable
from jupyter_modeldeploy.experiments import folding, noted, spool, suspicions
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

    def limit_pages(self, most: int) -> None:
        """From now on its file may not grow beyond that, as on a full disk."""
        self.collector._kept.connection.execute(f"PRAGMA max_page_count = {most}")

    def do_not_wait(self) -> None:
        self.collector._kept.connection.execute("PRAGMA busy_timeout = 0")

    def watch(self, query: Callable[[str], None]) -> None:
        self.collector._kept.connection.set_trace_callback(query)

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
                if dice.random() < 0.5:
                    told(kept)  # what changes after it is taken in by itself
                shutil.copy(copy, path)  # as if the process had been killed before it removed the file
                if dice.random() < 0.5:
                    kept.collector.close()
                    kept.collector = Collector(kept.spool.folder, kept.file)
        kept.collector.fold()
        results.append(told(kept))
        kept.collector.close()
        kept.collector = Collector(kept.spool.folder, kept.file)
        assert told(kept) == results[-1]
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


def _torn(content: bytes) -> bytes:
    return content[:-20]


def _zeros_at_the_end(content: bytes) -> bytes:
    return content[:-20] + bytes(20)


def _without_head(content: bytes) -> bytes:
    return b"\0" * 30 + content[30:]


@pytest.mark.parametrize(
    ("damage", "requests", "buys", "lost"),
    [
        (_torn, [1, 1, 1], None, 2),
        (_zeros_at_the_end, [1, 1, 1], None, 2),
        (_without_head, [], None, 3),
        (lambda _: b"", [], None, 0),
        (lambda _: b"\x80\xff\n[[[\n{}\n", [], None, 0),
        (lambda content: content.replace(b'"format":1', b'"format":2'), [], None, 5),
        (lambda content: content.replace(b'[1,"m@1",0.5]', b'["m@1"]'), [], None, 3),
        (lambda content: content.replace(b'"cy"', b"[7]"), [1, 1], [0, 3], 2),
        (lambda content: content.replace(b"2000,0,null", b"-5,0,null", 1), [1, 1], [3, 4], 1),
        (lambda content: content.replace(b"[0,", b"[9,", 1), [1, 1], [3, 4], 1),
        (lambda content: content.replace(b',"eu"]', b"]", 1), [1, 1], [3, 4], 1),
        (lambda content: content.replace(b"4.0", b"1e999"), [1, 1, 1], None, 2),
        (lambda content: content.replace(b"4.0", b'"four"'), [1, 1, 1], [0, 0, 3], 1),
        (lambda content: content + content.splitlines(keepends=True)[-1], [1, 1, 1], [0, 6, 8], 0),
    ],
)
def test_of_a_damaged_segment_what_can_be_read_is_counted_and_the_rest_is_told(
    damage: Callable[[bytes], bytes], requests: list[int], buys: list[int] | None, lost: int, kept: Kept
) -> None:
    path = kept.add(
        [exposure(0, unit, 1, region="eu") for unit in ("ann", "bob", "cy")], [outcome("bob", 3.0), outcome("cy", 4.0)]
    )
    path.write_bytes(damage(path.read_bytes()))
    kept.add([exposure(2, "eve", 1)], dropped=3)
    kept.collector.fold()
    kept.collector.fold()
    assert kept.sums("requests", stage=4) == [1]
    if requests:
        assert kept.sums("requests") == requests
        assert ("buys" not in kept.observed()[1, BASE].sums) if buys is None else (kept.sums("buys") == buys)
    told = {one.kind: one for one in kept.collector.suspicions()}
    assert (told["damaged"].count, told["dropped"].count) == (1, 3)
    assert f"at least {lost} of their rows" in told["damaged"].note
    assert spool.segments(kept.spool.folder) == []


def test_outcomes_outlive_the_head_of_their_segment(kept: Kept) -> None:
    kept.fold([exposure(0, "ann", 1)])
    path = kept.add([exposure(0, "bob", 1)], [outcome("ann", 2.0)])
    path.write_bytes(_without_head(path.read_bytes()))
    kept.collector.fold()
    assert (kept.sums("requests"), kept.sums("buys")) == ([1], [2])


def test_what_a_killed_writer_left_is_counted_when_nobody_writes_it_any_more(kept: Kept) -> None:
    path = kept.add([exposure(0, "ann", 1)], [outcome("ann", 2.0)])
    left = path.rename(path.with_suffix(spool.PART))
    left.write_bytes(_torn(left.read_bytes()))
    assert kept.collector.fold() == 0
    os.utime(left, (0, 0))
    assert kept.collector.fold() == 1
    assert (kept.sums("requests"), kept.suspicions()) == ([1], {"damaged": 1})
    assert list(kept.spool.folder.iterdir()) == []


def test_a_segment_that_cannot_be_read_or_removed_is_told_once(kept: Kept) -> None:
    (kept.spool.folder / "1.jsonl").mkdir(parents=True)
    kept.fold([exposure(0, "ann", 1)])
    kept.fold([exposure(0, "bob", 1)])
    assert (kept.sums("requests"), kept.suspicions()) == ([1, 1], {"damaged": 1})


def test_on_a_full_disk_nothing_is_lost(kept: Kept) -> None:
    kept.fold([exposure(0, "ann", 1)])
    kept.add([exposure(0, f"user {number}", 2) for number in range(3000)])
    connection = sqlite3.connect(kept.file)
    with closing(connection):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    kept.limit_pages(pages + 1)
    with pytest.raises(StorageFull, match="the disk is full"):
        kept.collector.fold()
    assert kept.sums("requests") == [1]
    kept.limit_pages(2**30)
    assert kept.collector.fold() == 3000
    assert sum(kept.sums("requests")) == 3001


def test_who_has_not_looked_for_long_reads_all(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noted, "FOLDS", 3)
    monkeypatch.setattr(noted, "ROWS", 5)
    kept.fold([exposure(0, "ann", 1)])
    other = Collector(kept.spool.folder, kept.file)
    with closing(other):
        assert other.observed(BASE, CANDIDATE)[0].sums["requests"].tolist() == [1]
        for second in range(6):
            kept.fold([exposure(0, f"unit {second}", second)])
            assert sum(kept.sums("requests")) == second + 2
        assert sum(other.observed(BASE, CANDIDATE)[0].sums["requests"]) == 7
        kept.fold([exposure(0, f"unit {number}", 9) for number in range(7)])
        assert [sum(one.observed(BASE, CANDIDATE)[0].sums["requests"]) for one in (kept.collector, other)] == [14, 14]


def test_while_another_process_counts_it_is_tried_again(kept: Kept) -> None:
    kept.fold([exposure(0, "ann", 1)])
    assert kept.sums("requests") == [1]
    other = Collector(kept.spool.folder, kept.file)
    kept.add([exposure(0, "ann", 2)], [outcome("ann", 5)])
    other.fold()
    kept.add([exposure(1, "bob", 3)])
    kept.collector.fold()
    queries: list[str] = []
    kept.watch(queries.append)
    assert (kept.sums("requests"), kept.sums("buys")) == ([2], [5])
    assert all("changed_" in query for query in queries if "FROM exposures" in query)
    for reader in (kept.collector, other):
        found = reader.observed(BASE, CANDIDATE, [BUYS])[:2]
        assert [one.sums["requests"].tolist() for one in found] == [[2], [1]]
    with closing(other), closing(sqlite3.connect(kept.file, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        kept.do_not_wait()
        kept.add([exposure(0, "ann", 3)])
        with pytest.raises(Unavailable, match="cannot be counted now"):
            kept.collector.fold()
    kept.collector.fold()
    assert kept.sums("requests") == [3]


def test_names_of_segments_that_are_gone_are_forgotten(kept: Kept) -> None:
    for second in range(3):
        kept.fold([exposure(0, "ann", second)])
    with closing(sqlite3.connect(kept.file)) as connection:
        assert connection.execute("SELECT count(*) FROM segments").fetchone() == (1,)


def test_a_look_reads_what_is_new_alone(kept: Kept) -> None:
    kept.fold([exposure(0, f"user {number}", 1) for number in range(500)], [outcome("user 7", 1.0)])
    kept.observed()
    kept.fold([exposure(0, "user 3", 2), exposure(0, "new", 2)], [outcome("user 9", 2.0)])
    queries: list[str] = []
    kept.watch(queries.append)
    assert sorted(kept.sums("buys"))[-2:] == [1, 2]
    told = [query for query in queries if "FROM exposures" in query or "FROM outcomes" in query]
    assert told
    assert all("changed_" in query or "min(metric)" in query for query in told)


def test_a_busy_unit_is_told_and_others_with_much_to_ask_are_not() -> None:
    usual = np.random.default_rng(1).lognormal(2, 1, 100_000).astype(np.int64) + 1
    assert suspicions.busy(usual).sum() == 0
    assert suspicions.busy(np.append(usual, 100_000))[-1]
    assert suspicions.busy(np.array([1, 1, 1, 1, 9, 11])).tolist() == [False] * 5 + [True]
    assert suspicions.busy(np.array([1000])).tolist() == [False]


def test_experiments_in_ranges_of_a_namespace_are_told_apart(kept: Kept) -> None:
    """By whichever of them counts, and each sees what the other has counted."""
    arms = [
        (4, BASE, 0.5, "x"),
        (4, CANDIDATE, 0.5, "x"),
        (4, BASE, 0.9, "y"),
        (4, CANDIDATE, 0.1, "y"),
        (4, BASE, 1.0),
    ]
    rows = [exposure(arm, f"{arm}-{number}", 10) for arm in range(5) for number in range(arm + 1)]
    other = Collector(kept.spool.folder, kept.file)

    def units(experiment: str) -> list[int]:
        found = other.observed(BASE, CANDIDATE, experiment=experiment)
        return [one.units for one in found]

    assert units("x") == []
    kept.spool.write(arms, ["region"], [orjson.dumps({"exposures": rows})], len(rows), 0)
    kept.collector.fold()
    assert (units("x"), units("y"), units("")) == ([1, 2], [3, 4], [5])
    other.close()


@pytest.mark.parametrize("content", ["CREATE TABLE arms (number INTEGER)", "no database" * 400])
def test_a_file_of_another_release_or_a_damaged_one_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "exposures.sqlite"
    if content.startswith("CREATE"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(content)
    else:
        path.write_text(content)
    with pytest.raises(Conflict, match=r"What units did .* (another release|not a database)"):
        Collector(tmp_path / "spool", path)


def test_several_may_make_the_file_at_once(tmp_path: Path) -> None:
    def opened(_: int) -> None:
        Collector(tmp_path / "spool", tmp_path / "exposures.sqlite").close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(opened, range(8)))
