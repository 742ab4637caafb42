"""Graphs with fewer operators, and the same answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import add_one

from jupyter_modeldeploy.errors import ConversionFailed, InvalidInput
from jupyter_modeldeploy.optimize.converting import graph
from jupyter_modeldeploy.optimize.converting.graph import GraphCandidate, optimize_graph
from jupyter_modeldeploy.optimize.quantizing.dynamic import dynamic_int8
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime

IDS = np.random.default_rng(0).integers(5, 25, (3, 17))
INPUTS = {"input_ids": IDS, "attention_mask": np.ones_like(IDS), "token_type_ids": np.zeros_like(IDS)}


@pytest.mark.parametrize("way", ["slim", "fused"])
def test_fewer_operators_give_the_same_answers(converted: Path, tmp_path: Path, way: str) -> None:
    made = optimize_graph(converted, tmp_path / "made", way, Silent())

    assert made.kept == way
    assert sum(made.operators_after.values()) < sum(made.operators_before.values())
    assert all(row.passed for row in made.candidates[0].parity)
    assert made.candidates[0].latency_ms > 0
    before, after = OnnxRuntime(converted), OnnxRuntime(tmp_path / "made")
    np.testing.assert_allclose(after.run(INPUTS)["logits"], before.run(INPUTS)["logits"], atol=1e-5)
    assert {path.name for path in (tmp_path / "made").iterdir()} == {path.name for path in converted.iterdir()}


def test_a_slim_graph_can_be_quantized(converted: Path, tmp_path: Path) -> None:
    optimize_graph(converted, tmp_path / "slim", "slim", Silent())

    assert dynamic_int8(tmp_path / "slim", tmp_path / "int8", Silent()).share == 1.0


def test_the_fastest_is_kept_only_where_it_is_faster(converted: Path, tmp_path: Path) -> None:
    made = optimize_graph(converted, tmp_path / "made", "fastest", Silent())

    assert [one.name for one in made.candidates] == ["slim", "fused", "transformer"]
    kept = [one for one in made.candidates if one.kept]
    assert (tmp_path / "made").exists() == bool(kept) == (made.kept is not None)
    assert all(one.speed >= graph.WORTH for one in kept)
    if not kept:
        assert made.operators_after == made.operators_before


def test_of_several_that_are_faster_the_fastest_is_taken() -> None:
    tried = [
        graph._Tried(GraphCandidate(name=name, speed=speed, reason=reason), Path())
        for name, speed, reason in (("a", 1.1, ""), ("b", 1.3, ""), ("c", 1.5, "faster in 5 of 9 rounds"))
    ]

    assert graph._worthwhile(tried) is tried[1]
    assert graph._worthwhile([tried[2], graph._Tried(GraphCandidate(name="d", speed=1.04), Path())]) is None


def test_no_transformer_is_said_to_be_none(tmp_path: Path) -> None:
    made = optimize_graph(add_one(tmp_path / "model"), tmp_path / "made", "fastest", Silent())

    [transformer] = [one for one in made.candidates if one.name == "transformer"]
    assert "no attention heads" in transformer.reason
    assert transformer.speed is None


def test_what_is_quantized_or_no_graph_is_refused(converted: Path, tmp_path: Path) -> None:
    dynamic_int8(converted, tmp_path / "int8", Silent())
    (tmp_path / "empty").mkdir()

    for folder in ("int8", "empty"):
        with pytest.raises(InvalidInput):
            optimize_graph(tmp_path / folder, tmp_path / "made", "slim", Silent())
    assert not (tmp_path / "made").exists()


def test_an_optimizer_that_fails_is_told_in_a_line(
    converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, path: Path) -> None:
        raise RuntimeError("no such pattern\nand much more")

    monkeypatch.setitem(graph.WAYS, "slim", fail)

    with pytest.raises(ConversionFailed, match=r"slim cannot work on this graph: RuntimeError: no such pattern "):
        optimize_graph(converted, tmp_path / "made", "slim", Silent())
