from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.torch import load_file, save_file
from tiny_bert import make_encoder

from jupyter_modeldeploy.errors import Conflict, InvalidInput, ParityFailed
from jupyter_modeldeploy.optimize.converting.from_transformers import Conversion, transformers_to_onnx
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.runtimes.transformers import TransformersRuntime


def test_the_converted_model_answers_like_the_original(conversion: tuple[Path, Conversion]) -> None:
    _, result = conversion

    assert [row.name for row in result.parity] == ["logits"]
    assert result.parity[0].shapes[:4] == [[1, 1], [1, 7], [3, 33], [8, 128]]
    assert len(result.parity[0].shapes) == 5  # and the texts
    assert result.parity[0].max_absolute_difference < 1e-5
    assert result.size_bytes == (conversion[0] / "model.onnx").stat().st_size


def test_any_batch_and_length_can_be_run(classifier: Path, converted: Path) -> None:
    model, original = OnnxRuntime(converted), TransformersRuntime(classifier)
    assert model.signature == original.signature

    for shape in ((2, 5), (5, 2), (1, 160)):
        ids = np.random.default_rng(1).integers(5, 25, shape)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        assert np.allclose(model.run(inputs)["logits"], original.run(inputs)["logits"], atol=1e-5)


def test_masked_tokens_change_nothing(converted: Path) -> None:
    model = OnnxRuntime(converted)
    ids = np.array([[2, 7, 9, 3, 11, 12]])
    mask = np.array([[1, 1, 1, 1, 0, 0]])
    types = np.zeros_like(ids)

    padded = model.run({"input_ids": ids, "attention_mask": mask, "token_type_ids": types})
    plain = model.run({"input_ids": ids[:, :4], "attention_mask": mask[:, :4], "token_type_ids": types[:, :4]})

    assert np.allclose(padded["logits"], plain["logits"], atol=1e-5)


def test_the_folder_is_one_file_of_weights_and_what_lay_beside(classifier: Path, converted: Path) -> None:
    assert {path.name for path in converted.iterdir()} == {
        "model.onnx",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert (converted / "tokenizer.json").read_bytes() == (classifier / "tokenizer.json").read_bytes()


def test_no_inner_shapes_are_left_for_quantization_to_stumble_on(converted: Path) -> None:
    assert not onnx.load(converted / "model.onnx").graph.value_info


def test_a_node_tells_its_module_and_no_path_of_the_machine(converted: Path) -> None:
    told = [note for node in onnx.load(converted / "model.onnx").graph.node for note in node.metadata_props]

    assert any("encoder.layer.1.attention" in note.value for note in told)
    assert not any("File " in note.value for note in told)


def test_an_encoder_without_a_head_gives_its_hidden_states(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")

    result = transformers_to_onnx(folder, tmp_path / "onnx", Silent())

    assert [(spec.name, spec.shape) for spec in result.signature.outputs] == [("last_hidden_state", [-1, -1, 32])]
    assert OnnxRuntime(tmp_path / "onnx").signature == result.signature


def test_answers_beyond_the_tolerance_leave_nothing(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(ParityFailed, match="logits differs from"):
        transformers_to_onnx(classifier, tmp_path / "onnx", Silent(), tolerance=1e-12)

    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_is_not_written_over(classifier: Path, converted: Path) -> None:
    with pytest.raises(Conflict, match="not empty"):
        transformers_to_onnx(classifier, converted, Silent())


def test_an_unknown_architecture_is_refused(classifier: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(classifier, tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"model_type": "no-such-model"}))

    with pytest.raises(InvalidInput, match="no-such-model"):
        transformers_to_onnx(folder, tmp_path / "onnx", Silent())


def test_weights_that_do_not_fit_the_configuration_are_refused(classifier: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(classifier, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(InvalidInput, match=r"no fitting weights for classifier\.weight"):
        transformers_to_onnx(folder, tmp_path / "onnx", Silent())
