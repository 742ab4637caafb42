"""Rows share runs where that changes no answer: joined, split, filled up, and in smaller parts to save memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tiny_onnx
import tiny_torch
import torch
from onnx import TensorProto, helper

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import OutOfMemory
from jupyter_modeldeploy.records import Signature, TensorSpec
from jupyter_modeldeploy.runtimes.exported import ExportedRuntime
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.serving.execution.batching import Batching


class Counted:
    """A runtime's `run` that remembers how many rows each run took."""

    def __init__(self, runtime: OnnxRuntime | ExportedRuntime, most: int | None = None) -> None:
        self.signature = runtime.signature
        self._runtime = runtime
        self._most = most
        self.rows: list[int] = []

    def __call__(self, tensors: Tensors) -> Tensors:
        count = len(next(iter(tensors.values())))
        if self._most is not None and count > self._most:
            raise OutOfMemory(f"{count} rows are too many here.")
        self.rows.append(count)
        return self._runtime.run(tensors)


def rows(count: int, start: int = 0) -> Tensors:
    return {"x": np.arange(start, start + 4 * count, dtype=np.float32).reshape(count, 4)}


def learned(run: Counted, max_rows: int | None = None) -> Batching:
    batching = Batching(run.signature, max_rows)
    batching.learn(run, 1)
    batching.learn_tokens(run)
    run.rows.clear()
    return batching


@pytest.fixture
def adder(tmp_path: Path) -> Counted:
    return Counted(OnnxRuntime(tiny_onnx.add_one(tmp_path / "adder")))


def test_requests_share_a_run_and_get_their_own_rows(adder: Counted) -> None:
    batching = learned(adder)
    answers = batching.run(adder, [rows(1), rows(2, 100)])
    assert adder.rows == [3]
    assert np.array_equal(answers[0]["y"], rows(1)["x"] + 1)
    assert np.array_equal(answers[1]["y"], rows(2, 100)["x"] + 1)


def test_as_many_rows_share_a_run_as_the_service_says(adder: Counted) -> None:
    batching = learned(adder)
    batching.configure(4)
    assert np.array_equal(batching.run(adder, [rows(10)])[0]["y"], rows(10)["x"] + 1)
    assert adder.rows == [4, 4, 2]
    batching.configure(0)
    assert batching.chunk_rows > 4


def test_a_chunk_that_memory_has_no_room_for_is_halved_for_good(tmp_path: Path) -> None:
    run = Counted(OnnxRuntime(tiny_onnx.add_one(tmp_path / "adder")), most=5)
    batching = learned(run)
    assert np.array_equal(batching.run(run, [rows(16)])[0]["y"], rows(16)["x"] + 1)
    assert batching.chunk_rows == 4
    assert max(run.rows) == 4
    batching.configure(1000)
    assert batching.chunk_rows == 4


def test_a_row_that_does_not_fit_alone_is_told_so(tmp_path: Path) -> None:
    runtime = OnnxRuntime(tiny_onnx.add_one(tmp_path / "adder"))
    batching = learned(Counted(runtime))
    with pytest.raises(OutOfMemory, match="1 rows are too many"):
        batching.run(Counted(runtime, most=0), [rows(3)])


def outer_product(folder: Path) -> OnnxRuntime:
    """FP32[batch, 2048] to itself, by way of 16 MiB a row."""
    return OnnxRuntime(
        tiny_onnx.save(
            folder,
            [
                helper.make_node("Unsqueeze", ["x", "last"], ["tall"]),
                helper.make_node("Unsqueeze", ["x", "first"], ["wide"]),
                helper.make_node("Mul", ["tall", "wide"], ["product"]),
                helper.make_node("ReduceSum", ["product", "last"], ["y"], keepdims=0),
            ],
            [tiny_onnx.value("x", TensorProto.FLOAT, ["batch", 2048])],
            [tiny_onnx.value("y", TensorProto.FLOAT, ["batch", 2048])],
            {"first": np.array([1]), "last": np.array([2])},
        )
    )


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's account of peak memory")
def test_a_run_takes_no_more_rows_than_the_memory_budget_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Counted(outer_product(tmp_path / "model"))
    batching = learned(run)
    row = {"x": np.ones((1, 2048), np.float32)}
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(
        "jupyter_modeldeploy.serving.execution.batching.MEMORY_TRIAL_S", 60.0
    )  # however busy the machine is
    batching.learn_memory(run, row, int((resident + 400 * 2**20) / 0.8))
    assert 4 <= batching.chunk_rows < 64
    batching.configure(128)
    assert batching.chunk_rows < 64


def test_a_model_whose_rows_touch_each_other_is_never_split_nor_joined(tmp_path: Path) -> None:
    run = Counted(OnnxRuntime(tiny_onnx.over_rows(tmp_path / "model")))
    batching = learned(run)
    batching.configure(2)
    batching.run(run, [{"x": np.zeros((7, 2), np.float32)}])
    assert run.rows == [7]
    assert batching.key({"x": np.zeros((1, 2), np.float32)}) is None


def fixed_sum(folder: Path, count: int) -> OnnxRuntime:
    """`y = x + 1`, FP32[count, 4]."""
    return OnnxRuntime(
        tiny_onnx.save(
            folder,
            [helper.make_node("Add", ["x", "amount"], ["y"])],
            [tiny_onnx.value("x", TensorProto.FLOAT, [count, 4])],
            [tiny_onnx.value("y", TensorProto.FLOAT, [count, 4])],
            {"amount": np.ones(4, np.float32)},
        )
    )


@pytest.mark.parametrize(("count", "runs"), [(1, 11), (8, 2)])
def test_a_fixed_number_of_rows_is_filled_up_and_the_answer_cut(tmp_path: Path, count: int, runs: int) -> None:
    run = Counted(fixed_sum(tmp_path / "model", count))
    batching = learned(run)
    answers = batching.run(run, [rows(3), rows(8, 50)])
    assert run.rows == [count] * runs
    assert np.array_equal(answers[0]["y"], rows(3)["x"] + 1)
    assert np.array_equal(answers[1]["y"], rows(8, 50)["x"] + 1)


def test_a_program_exported_for_few_rows_gets_no_more_at_once(tmp_path: Path) -> None:
    folder = tiny_torch.exported(
        tmp_path / "model", tiny_torch.Classifier(), torch.zeros(2, 4), batch=torch.export.Dim("few", max=8)
    )
    runtime = ExportedRuntime(folder)
    run = Counted(runtime)
    batching = learned(run, runtime.max_rows)
    assert batching.run(run, [rows(20)])[0]["output"].shape == (20, 3)
    assert run.rows == [8, 8, 4]


def tokens(length: int, word: int) -> Tensors:
    ids = np.full((1, length), word)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def test_texts_of_unequal_length_share_a_run_where_the_answers_stay(tmp_path: Path) -> None:
    run = Counted(OnnxRuntime(tiny_onnx.classifier(tmp_path / "model", token_types=False)))
    batching = learned(run)
    works = [tokens(5, tiny_onnx.WORDS.index("good")), tokens(7, tiny_onnx.WORDS.index("bad"))]
    assert batching.key(works[0]) == batching.key(works[1])
    answers = batching.run(run, works)
    assert run.rows == [2]
    assert [answer["logits"].tolist() for answer in answers] == [[[0, 10]], [[14, 0]]]


def test_the_vectors_of_tokens_are_cut_to_the_length_of_the_request(tmp_path: Path) -> None:
    run = Counted(OnnxRuntime(tiny_onnx.encoder(tmp_path / "model")))
    batching = learned(run)
    answers = batching.run(run, [tokens(5, 4), tokens(7, 4)])
    assert [answer["last_hidden_state"].shape for answer in answers] == [(1, 5, 4), (1, 7, 4)]


def test_much_shorter_texts_are_not_filled_up_to_long_ones(tmp_path: Path) -> None:
    batching = learned(Counted(OnnxRuntime(tiny_onnx.encoder(tmp_path / "model"))))
    assert batching.key(tokens(5, 4)) != batching.key(tokens(60, 4))


WRONG_TOKENS = {
    "a vector": {"input_ids": np.zeros(3, np.int64)},
    "no tokens' datatype": {"input_ids": np.zeros((1, 3), np.float32), "attention_mask": np.ones((1, 3), np.int64)},
    "another name": {"x": np.zeros((1, 3), np.int64), "attention_mask": np.ones((1, 3), np.int64)},
    "one missing": {"input_ids": np.zeros((1, 3), np.int64)},
}


@pytest.mark.parametrize("wrong", WRONG_TOKENS)
def test_tensors_that_are_no_texts_share_no_run_with_texts(tmp_path: Path, wrong: str) -> None:
    batching = learned(Counted(OnnxRuntime(tiny_onnx.classifier(tmp_path / "texts", token_types=False))))
    right = {name: np.ones((1, 3), np.int64) for name in ("input_ids", "attention_mask")}
    assert batching.key(right) == batching.key({name: array[:, :2] for name, array in right.items()}) is not None
    assert batching.key(WRONG_TOKENS[wrong]) != batching.key(right)


def test_a_mask_that_the_model_ignores_joins_nothing(tmp_path: Path) -> None:
    folder = tiny_onnx.save(
        tmp_path / "model",
        [
            helper.make_node("Cast", ["input_ids"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["float"], ["y"], axes=[1]),
        ],
        [tiny_onnx.value(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")],
        [tiny_onnx.value("y", TensorProto.FLOAT, ["batch", 1])],
        {},
    )
    batching = learned(Counted(OnnxRuntime(folder)))
    assert batching.independent
    assert batching.key(tokens(5, 4)) != batching.key(tokens(7, 4))


def test_rows_are_few_where_their_size_is_unknown() -> None:
    pictures = TensorSpec(name="x", dtype="FP32", shape=[-1, 3, -1, -1])
    assert Batching(Signature(inputs=[pictures], outputs=[pictures])).chunk_rows == 16
