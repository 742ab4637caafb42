"""The parts of a search for a faster form of a model: what is tried, how it is timed, what is chosen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import add_one

from jupyter_modeldeploy.errors import Conflict, TimedOut, WorkerDied
from jupyter_modeldeploy.jobs.kinds.optimize import share
from jupyter_modeldeploy.optimize.searching import front, recipes, tensors, words
from jupyter_modeldeploy.optimize.searching.apart import Apart
from jupyter_modeldeploy.optimize.searching.bench import Bench, Form, Turn
from jupyter_modeldeploy.optimize.searching.deadline import Deadline
from jupyter_modeldeploy.optimize.searching.layouts import Layouts
from jupyter_modeldeploy.records import Format, Interval
from jupyter_modeldeploy.records.optimizations import (
    ORIGINAL,
    Accuracy,
    Candidate,
    Layout,
    Optimization,
    Spread,
    Timing,
)
from jupyter_modeldeploy.reporting.optimization import render
from jupyter_modeldeploy.runtimes import tensor_files

ECHO = """
import os, signal, time
from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.optimize.searching import apart

def respond(question):
    match question["do"]:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "refuse":
            raise Conflict("No.", "Ask otherwise.")
        case "sleep":
            time.sleep(60)
        case "say":
            print("a library talks", flush=True)
    return question

apart.answer(respond)
"""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apart:
    (tmp_path / "echoing.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Apart("echoing")


def test_a_process_apart_answers_refuses_and_dies_alone(process: Apart) -> None:
    assert process.ask({"do": "say"}) == {"do": "say"}
    with pytest.raises(Conflict, match="Ask otherwise"):
        process.ask({"do": "refuse"})
    assert process.ask({"do": "nothing"}, timeout_s=30) == {"do": "nothing"}
    with pytest.raises(WorkerDied, match="SIGKILL"):
        process.ask({"do": "die"})
    assert process.ended


def test_a_process_apart_that_takes_too_long_is_ended(process: Apart) -> None:
    process.ask({"do": "nothing"})
    with pytest.raises(TimedOut):
        process.ask({"do": "sleep"}, timeout_s=0.1)
    assert process.ended


@pytest.mark.parametrize(
    ("given", "meant"), [("1%", "1%"), ("0.01", "1%"), (0.005, "0.5%"), ("2.5 %", "2.5%"), (0, "0%")]
)
def test_a_loss_is_a_share_or_per_cent(given: object, meant: str) -> None:
    assert share(given) == meant


@pytest.mark.parametrize("given", ["", "one", "100%", "1.5", -0.1, True, "nan", "inf%"])
def test_what_is_no_share_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"write 1% or 0\.01"):
        share(given)


def test_what_a_graph_computes_with_says_what_is_tried_first() -> None:
    transformer = [one.name for one in recipes.planned({"MatMul": 36, "Gather": 3}, "latency", "cpu")]
    convolutions = [one.name for one in recipes.planned({"Conv": 53, "MatMul": 1}, "latency", "cpu")]
    detector = [one.name for one in recipes.planned({"Conv": 80}, "latency", "cpu")]

    assert transformer[0] == "dynamic-int8"
    assert convolutions[0] == "static-int8"
    assert set(transformer) - {"dynamic-int8-tensor"} <= set(
        convolutions
    )  # none is left out for what is believed of it
    assert not any(name.startswith("weight") for name in detector)  # which has no products with weights
    assert recipes.planned({"MatMul": 36}, "size", "cpu")[0].name == "dynamic-int8"
    assert recipes.planned({"Conv": 53}, "latency", "cuda")[0].name == "fp16"


def test_what_a_recipe_is_made_of_comes_before_it() -> None:
    for operators in ({"MatMul": 36}, {"Conv": 53}):
        planned = recipes.planned(operators, "latency", "cpu", openvino=True)
        names = [recipes.ONNX, *(one.name for one in planned)]
        assert all(names.index(one.source) < names.index(one.name) for one in planned)

    chosen = recipes.planned({"Conv": 53}, "latency", "cpu", ["bf16"], openvino=True)
    assert [one.name for one in chosen] == ["openvino", "openvino-bf16"]
    assert not recipes.planned({"Conv": 53}, "latency", "cpu", ["bf16"])


def test_a_deadline_learns_how_long_steps_take() -> None:
    now = [100.0]
    deadline = Deadline(minutes=2, spent_s=30, clock=lambda: now[0])
    told = deadline.making_s("dynamic-int8", 100_000_000, 0.02)
    now[0] += 40
    deadline.took("dynamic-int8", told, 4 * told)

    assert deadline.left_s == 50
    assert [deadline.samples(128, run_s) for run_s in (0.001, 0.1, 10.0)] == [128, 30, 16]
    assert deadline.making_s("dynamic-int8", 100_000_000, 0.02) > 3 * told
    assert deadline.making_s("static-int8-entropy", 1_000_000, 0.02, 128) > deadline.making_s(
        "static-int8", 1_000_000, 0.02, 128
    )


def test_candidates_have_turns_in_rounds_beside_the_original(tmp_path: Path) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for batch in (1, 4):
        tensor_files.save(inputs / f"{batch}.npz", [{"x": np.ones((batch, 4), np.float32)}])
    forms = {
        ORIGINAL: Form(add_one(tmp_path / "one"), Format.onnx, 1000),
        "other": Form(add_one(tmp_path / "two", 2), Format.onnx, 1000),
        "broken": Form(tmp_path / "nothing", Format.onnx, 1000),
    }
    (tmp_path / "nothing").mkdir()
    alone, crowd = Layout(threads=1), Layout(threads=1, instances=2, batch=4)
    turns = [Turn(name, layout) for name in (ORIGINAL, "other", "broken") for layout in (alone, crowd)]
    with Bench(forms, inputs, "cpu") as bench:
        timed, failed = bench.rounds(turns, ORIGINAL, 3, 0.01, lambda: 600, lambda share: None)
        peak = bench.peak_bytes("other", alone, 600)

    assert set(timed) == {turn for turn in turns if turn.name != "broken"}
    assert set(failed) == {"broken"}
    one = timed[Turn("other", alone)]
    assert one.rounds == 3
    assert one.runs >= 9
    assert one.p50_ms.low <= one.p50_ms.median <= one.p50_ms.high
    assert timed[Turn(ORIGINAL, alone)].speed == Spread(median=1, low=1, high=1)
    assert 10_000_000 < peak < 500_000_000


def test_layouts_share_out_the_cores() -> None:
    assert Layouts(4, "latency", "cpu").wanted == [Layout(threads=4), Layout(threads=2), Layout(threads=1)]
    assert Layout(threads=2, instances=2, batch=16) in Layouts(4, "throughput", "cpu").wanted
    assert Layouts(1, "latency", "cpu").wanted == [Layout(threads=1)]
    assert all(layout.instances == 1 for layout in Layouts(4, "throughput", "cuda").wanted)


def test_texts_are_made_as_long_as_it_is_asked() -> None:
    batch = {
        "input_ids": np.array([[2, 7, 8, 3], [2, 9, 3, 0]]),
        "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]]),
    }
    longer = tensors.of_length(batch, 6)

    assert longer["input_ids"].tolist() == [[2, 7, 8, 3, 2, 7], [2, 9, 3, 2, 9, 3]]
    assert longer["attention_mask"].tolist() == [[1] * 6] * 2
    assert tensors.of_one_length([batch, longer])[0]["attention_mask"].shape == (2, 6)


def candidate(name: str, size: int, difference: float, reach: float = 0.01, **more: object) -> Candidate:
    value = Interval(value=0.9 + difference, low=0.8, high=0.95)
    lost = Interval(value=difference, low=difference - reach, high=difference + reach)
    judged = Accuracy(
        rows=100,
        batch=1,
        metric="accuracy",
        value=value,
        difference=lost,
        method="made up",
        agreement=0.99,
        metrics={"accuracy": value.value},
    )
    known = {"format": Format.onnx, "size_bytes": size, "validation": judged, "test": judged, **more}
    return Candidate.model_validate({"name": name, **known})


def optimization(*others: Candidate, **more: object) -> Optimization:
    original = Candidate(name=ORIGINAL, format=Format.transformers, verdict="original", size_bytes=1000)
    known = {"base": "tiny@1", "dataset": "rows@1", "target": "size", "max_loss": 0.01, "sure": False, "minutes": 1}
    given = {**known, "device": "cpu", "created_at": datetime.now(UTC), "candidates": [original, *others], **more}
    return Optimization.model_validate(given)


def test_what_is_dominated_and_what_is_best() -> None:
    small, smaller, alike, lossy = (
        candidate("small", 500, 0.0),
        candidate("smaller", 250, -0.004),
        candidate("alike", 255, -0.001),
        candidate("lossy", 510, -0.006),
    )
    found = optimization(small, smaller, alike, lossy)

    assert front.dominating(lossy, found.candidates, found) == small
    assert front.dominating(small, found.candidates, found) is None
    assert front.best(found.candidates, found) == alike  # 2 % larger than the smallest, and nearer to the original
    assert front.within(smaller.validation, 0.01, sure=False)
    assert not front.within(smaller.validation, 0.01, sure=True)
    assert not front.within(None, 0.01, sure=False)


def test_a_report_tells_what_was_found() -> None:
    timing = Timing(
        layout=Layout(threads=2),
        p50_ms=Spread(median=2.0, low=1.9, high=2.4),
        p95_ms=2.6,
        rows_per_s=Spread(median=500, low=400, high=510),
        speed=Spread(median=2.5, low=2.4, high=2.6),
        rounds=5,
        runs=50,
    )
    chosen = candidate("<b>int8</b>", 250, -0.004, best=timing, verdict="recommended")
    found = optimization(chosen, front=[ORIGINAL, chosen.name], recommended=chosen.name)
    told = words.why(found, chosen)
    page = render(found.model_copy(update={"why": told}))

    assert "4.00 times smaller than the original" in told
    assert "a loss of up to 1.40 points is not excluded" in told
    assert "&lt;b&gt;int8" in page
    assert "<b>int8" not in page
    assert "−0.40" in page
    assert page.count("<circle") == 2
