"""Models converted and quantized without a workspace."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile_pickles import Payload
from tiny_bert import make_classifier
from tiny_torch import Classifier, scripted

from jupyter_modeldeploy import ModelConverter, Quantizer
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.optimizing import ConvertedModel
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime

ROWS = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classifier(tmp_path_factory.mktemp("optimizing") / "sentiment", hidden=128)


@pytest.fixture(scope="module")
def converted(classifier: Path) -> ConvertedModel:
    return ModelConverter(source_framework="transformers", target_format="onnx").convert(classifier)


def test_a_folder_is_converted_beside_itself(classifier: Path, converted: ConvertedModel) -> None:
    assert converted.folder == classifier.with_name("sentiment-onnx")
    assert converted.conversion.exporter == "dynamo"
    assert converted.conversion.parity[0].max_absolute_difference < 1e-5
    OnnxRuntime(converted.folder).close()


def test_what_was_converted_is_quantized_and_saved(converted: ConvertedModel, tmp_path: Path) -> None:
    quantizer = Quantizer(model_path=converted, quant_method="dynamic", bit_width=8).optimize()

    saved = quantizer.save(tmp_path / "int8")

    assert quantizer.result.ratio > 2.5
    assert (saved / "tokenizer.json").exists()
    OnnxRuntime(saved).close()
    with pytest.raises(Conflict, match="not empty"):
        quantizer.save(tmp_path / "int8")


@pytest.mark.parametrize(
    ("method", "bits", "operator"),
    [("weight-only", 4, "MatMulNBits"), ("fp16", 16, "Cast"), ("weight-int8", None, "MatMulNBits")],
)
def test_methods_and_widths_mean_what_they_say(
    converted: ConvertedModel, method: str, bits: int | None, operator: str
) -> None:
    assert operator in Quantizer(converted, method, bits).optimize().result.operators_after


def test_a_module_in_memory_is_converted_by_the_shape_of_its_input(tmp_path: Path) -> None:
    module = Classifier()

    made = ModelConverter(input_shape=[None, 4]).convert(module, tmp_path / "onnx")

    assert made.conversion.signature.inputs[0].name == "x"
    expected = module.eval()(torch.from_numpy(ROWS)).detach().numpy()
    np.testing.assert_allclose(OnnxRuntime(made.folder).run({"x": ROWS})["output"], expected, atol=1e-5)


def test_a_single_file_is_enough(tmp_path: Path, converted: ConvertedModel) -> None:
    archive = scripted(tmp_path / "models", Classifier(), "mine.pt") / "mine.pt"
    (archive.parent / "notes.pt").write_text("another file")

    made = ModelConverter(source_framework="pytorch").convert(archive)

    assert made.folder == archive.with_name("mine-onnx")
    shutil.copyfile(converted.folder / "model.onnx", tmp_path / "other name.onnx")
    assert Quantizer(tmp_path / "other name.onnx").optimize().result.share == 1.0


def test_the_graph_is_changed_on_the_way_or_alone(classifier: Path, converted: ConvertedModel, tmp_path: Path) -> None:
    on_the_way = ModelConverter(graph="slim").convert(classifier, tmp_path / "slim")
    alone = ModelConverter(graph="slim").convert(converted, tmp_path / "alone")

    assert on_the_way.graph.kept == alone.graph.kept == "slim"
    assert on_the_way.graph.operators_after == alone.graph.operators_after
    assert alone.conversion is None


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pkl").write_bytes(pickle.dumps(Payload(f"touch {tmp_path / 'ran'}")))

    with pytest.raises(UnsafeContent, match=r"model\.pkl"):
        ModelConverter().convert(tmp_path / "model")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda onnx: ModelConverter(source_framework="caffe"), "'caffe'"),
        (lambda onnx: ModelConverter(target_format="tflite"), "'tflite'"),
        (lambda onnx: ModelConverter().convert(onnx), "onnx already"),
        (lambda onnx: ModelConverter().convert(Classifier()), "no place of its own"),
        (lambda onnx: ModelConverter().convert(Classifier(), "x"), "does not say what it takes"),
        (lambda onnx: ModelConverter(input_shape=[None, 5]).convert(Classifier(), "x"), "does not take inputs"),
        (lambda onnx: Quantizer(onnx, "dynamic", 4), "dynamic with 4 bits"),
        (lambda onnx: Quantizer(onnx, "static"), "calibrates with data"),
        (lambda onnx: Quantizer(onnx, "int3"), "method"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: object, wrong: str, converted: ConvertedModel) -> None:
    with pytest.raises(InvalidInput, match=wrong):
        make(converted)


def test_order_matters(converted: ConvertedModel, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="Nothing is quantized yet"):
        Quantizer(converted).save(tmp_path / "int8")
    with pytest.raises(NotFound, match="There is no"):
        ModelConverter().convert(tmp_path / "nowhere")
