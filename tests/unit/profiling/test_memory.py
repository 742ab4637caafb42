from __future__ import annotations

from pathlib import Path

import numpy as np
import profiled_models as tiny
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling.memory import measure_memory
from jupyter_modeldeploy.records import Format

MEGABYTE = 2**20


def test_the_peak_grows_with_the_input_and_not_with_the_caller(tmp_path: Path) -> None:
    folder = tiny.dense(tmp_path)
    caller_holds = np.ones(300 * MEGABYTE, dtype=np.uint8)
    small = measure_memory(folder, Format.onnx, [tiny.rows(1)], leak_seconds=0)
    large = measure_memory(folder, Format.onnx, [tiny.rows(1), tiny.rows(100_000)], leak_seconds=0)
    assert 20 * MEGABYTE < small.peak_bytes < caller_holds.nbytes
    assert large.peak_bytes - small.peak_bytes > 2 * tiny.rows(100_000)["x"].nbytes
    assert large.activations_bytes - small.activations_bytes > tiny.rows(100_000)["x"].nbytes
    assert small.leak is None


def test_texts_reach_the_model(tmp_path: Path) -> None:
    texts = np.array([b"good", "très bon".encode()], dtype=np.object_)
    assert measure_memory(tiny.text_echo(tmp_path), Format.onnx, [{"text": texts}]).peak_bytes > 20 * MEGABYTE


def test_a_model_that_does_not_run_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(InvalidInput, match="ONNX Runtime cannot load"):
        measure_memory(tmp_path, Format.onnx, [tiny.rows(1)])


def test_without_inputs_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        measure_memory(tmp_path, Format.onnx, [])
