"""What is counted of what was recorded: each row once, whatever happens to the files and to who counts them."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from collected_units import BASE, CANDIDATE, Kept, exposure, outcome

from jupyter_modeldeploy.experiments import folding, spool, suspicions
from jupyter_modeldeploy.experiments.collecting import Collector
from jupyter_modeldeploy.records import Metric

CLICKS = Metric(name="clicks", of="clicks")


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
    later = path.stat().st_mtime + 60
    kept.collector.fold()
    kept.collector.fold()
    assert kept.sums("requests", stage=4) == [1]
    if requests:
        assert kept.sums("requests") == requests
        assert ("buys" not in kept.observed()[1, BASE].sums) if buys is None else (kept.sums("buys") == buys)
    told = {one.kind: one for one in kept.collector.suspicions(BASE, CANDIDATE)}
    assert (told["damaged"].count, told["dropped"].count) == (1, 3)
    assert f"at least {lost} of their rows" in told["damaged"].note
    assert not {"damaged", "dropped"} & kept.suspicions(begun_at=later).keys()
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


def test_suspicions_are_of_the_experiment_alone_that_asks(kept: Kept) -> None:
    """Those in another range of the namespace, of another model, of the time before and of other outcomes are not."""
    arms = [
        *((stage, version, 0.5, "x") for stage in (1, 4) for version in (BASE, CANDIDATE)),
        (4, BASE, 0.5, "y"),
        (4, CANDIDATE, 0.5, "y"),
        (4, "other@1", 1.0),
    ]
    rows = [exposure(place, f"early-{number}", 1) for place in (0, 1) for number in range(2)]
    rows += [exposure(place, f"both-{number}", 2) for place in (2, 3) for number in range(3)]
    rows += [exposure(4, "fine", 2), exposure(5, "bot", 2), exposure(6, "elsewhere", 2)]
    rows += [exposure(5, f"user-{number}", 2) for number in range(8)] + [exposure(5, "bot", 3)] * 50
    twice = [outcome("bot", id="a"), outcome("elsewhere", id="b"), outcome("fine", id="c", metric="clicks")] * 2
    orders = [*twice, outcome("both-1", id="d"), outcome("both-1", id="d", received=10_001), outcome("nobody")]
    lines = [orjson.dumps({"exposures": rows}), orjson.dumps({"outcomes": orders})]
    kept.spool.write(arms, ["region"], lines, len(rows) + len(orders), 0)
    kept.collector.fold()
    assert kept.suspicions(experiment="x") == {"crossed": 5, "duplicate": 1, "unknown": 1}
    assert kept.suspicions(experiment="x", since=2) == {"crossed": 3, "duplicate": 1, "unknown": 1}
    assert kept.suspicions(experiment="y") == {"busiest": 1, "duplicate": 1, "unknown": 1}
    assert kept.suspicions(experiment="y", metrics=[CLICKS]) == {"busiest": 1, "duplicate": 1}
    assert kept.suspicions("other@1", "other@2") == {"duplicate": 1, "unknown": 1}
    kept.fold([exposure(0, "nobody", 1)])
    assert kept.suspicions(experiment="x") == {"crossed": 5, "duplicate": 1}
