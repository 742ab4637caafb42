"""Each generated loader is run as it is, in a Python of its own, and says what the model says."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import model_files
import onnx
import pytest
import tiny_bert
import tiny_onnx
import tiny_torch
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from loaders import loader_of, printed, version_of
from onnx import helper
from tiny_timm import make_timm

from jupyter_modeldeploy import loader
from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.loader.writing import literal
from jupyter_modeldeploy.records import Trust
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.tasks import load as load_task

HOSTILE = "\"\"\"'''\nimport os; os.system('touch payload')\n#{{ 7*7 }}\\"


def image_classifier(folder: Path) -> Path:
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16
    )
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}})
    )
    return folder


def timm_classifier(folder: Path) -> Path:
    make_timm(folder, ["cat", "dog", "newt"])
    return folder


def generator(folder: Path) -> Path:
    tiny_bert.make_encoder(folder)
    config = transformers.GPT2Config(vocab_size=25, n_positions=64, n_embd=16, n_layer=1, n_head=2)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def token_classifier(folder: Path) -> Path:
    return _headed(folder, transformers.BertForTokenClassification)


def answerer(folder: Path) -> Path:
    return _headed(folder, transformers.BertForQuestionAnswering)


def _headed(folder: Path, made: type[transformers.PreTrainedModel]) -> Path:
    tiny_bert.make_encoder(folder)
    made(transformers.AutoConfig.from_pretrained(folder)).save_pretrained(folder)
    return folder


def onnx_encoder(folder: Path) -> Path:
    tiny_onnx.encoder(folder)
    (folder / "config.json").write_text('{"architectures": ["BertModel"]}')
    return folder


def onnx_pictures(folder: Path) -> Path:
    """Told apart by config.json; the names of the classes try to be code."""
    tiny_onnx.pictures(folder)
    names = {"0": HOSTILE, "1": "green", "2": "blue"}
    config = {"architectures": ["TinyForImageClassification"], "id2label": names}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def yolo(folder: Path) -> Path:
    """Two boxes of the first class that cover each other, and one of the second, whatever the picture."""
    boxes = [[32, 32, 20, 20, 0.9, 0], [33, 32, 20, 20, 0.8, 0], [32, 32, 20, 20, 0, 0.7], [1, 1, 2, 2, 0.1, 0]]
    rows = torch.tensor(boxes + [[0.0] * 6] * 4).T.numpy()[None]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["output0"]),
    ]
    tiny_onnx.save(
        folder,
        nodes,
        [tiny_onnx.value("images", onnx.TensorProto.FLOAT, [1, 3, 64, 64])],
        [tiny_onnx.value("output0", onnx.TensorProto.FLOAT, [1, 6, 8])],
        {"rows": rows, "zero": torch.zeros(()).numpy()},
    )
    config = {"architectures": ["YoloForObjectDetection"], "id2label": {"0": "cat", "1": "dog"}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def odd_path(folder: Path) -> Path:
    return tiny_onnx.add_one(folder / f"{'x' * 90} '{HOSTILE.replace('/', '')[:60]}")


RUN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "transformers classifier": (tiny_bert.make_classifier, "{'negative': "),
    "transformers encoder": (tiny_bert.make_encoder, "(2, 32) ["),
    "transformers tokens": (token_classifier, "LABEL_"),
    "transformers answers": (answerer, ""),
    "transformers text": (generator, ""),
    "transformers images": (image_classifier, "LABEL_"),
    "timm images": (timm_classifier, "'newt': 0."),
    "onnx classifier": (tiny_onnx.classifier, "{'negative': 0.5, 'positive': 0.5}"),
    "onnx encoder": (onnx_encoder, "(2, 4) ["),
    "onnx tensor": (tiny_onnx.add_one, "y float32 (1, 4) [1.0, 1.0, 1.0, 1.0]"),
    "onnx images": (onnx_pictures, "import os"),
    "onnx boxes": (yolo, "2 boxes [{'label': 'cat', 'score': 0.89"),
    "torchscript": (lambda folder: tiny_torch.scripted(folder, tiny_torch.Classifier()), "output float32 (1, 3)"),
    "torchscript images": (
        lambda folder: tiny_torch.scripted(folder, tiny_torch.Filters()),
        "output float32 (1, 2)",
    ),
    "exported": (
        lambda folder: tiny_torch.exported(folder, tiny_torch.Classifier(), torch.zeros(2, 4)),
        "output float32 (1, 3)",
    ),
    "a path that tries to be code": (odd_path, "y float32 (1, 4)"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: make(tmp_path_factory.mktemp("models") / "model") for kind, (make, _) in RUN.items()}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "elsewhere"


@pytest.fixture(scope="module")
def told(folders: dict[str, Path], elsewhere: Path) -> dict[str, str]:
    return printed({kind: loader_of(folder) for kind, folder in folders.items()}, elsewhere)


@pytest.mark.parametrize("kind", RUN)
def test_the_loader_runs_as_it_is(kind: str, told: dict[str, str]) -> None:
    assert "Traceback" not in told[kind], told[kind][-2000:]
    assert RUN[kind][1] in told[kind]


def test_what_names_and_paths_try_is_not_run(told: dict[str, str], elsewhere: Path) -> None:
    assert not (elsewhere / "payload").exists()


def test_an_embedding_is_the_one_that_is_served(folders: dict[str, Path], told: dict[str, str]) -> None:
    folder = folders["onnx encoder"]
    version = version_of(folder)
    assert version.signature is not None
    task = load_task("feature-extraction", folder, version.signature)
    inputs = task.encode(["A text to embed.", "Another one."])
    outputs = OnnxRuntime(folder).run(inputs)
    served = task.decode({**outputs, "attention_mask": inputs["attention_mask"]})[0]["embedding"]
    assert json.loads(told["onnx encoder"].partition(") ")[2]) == pytest.approx(served[:5], abs=1e-6)


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "gguf": (lambda f: model_files.gguf(f / "m.gguf", {"general.architecture": "llama"}, {}), "llama-cpp-python"),
    "savedmodel": (lambda f: model_files.saved_model(f), "tensorflow"),
    "keras": (lambda f: model_files.keras_archive(f / "m.keras"), "keras"),
    "paddle": (lambda f: model_files.paddle(f, {"w": [4, 3]}), "paddlepaddle"),
    "sklearn": (lambda f: model_files.scikit_learn(f / "m.skops"), "skops"),
    "ultralytics": (lambda f: model_files.yolo(f / "yolo11n.pt"), "ultralytics"),
    "adapter": (lambda f: (f / "adapter_config.json").write_text('{"peft_type": "LORA"}'), "peft"),
    "diffusers": (lambda f: (f / "model_index.json").write_text('{"_class_name": "FluxPipeline"}'), "diffusers"),
    "torch": (lambda f: torch.save(torch.nn.Linear(2, 2).state_dict(), f / "weights.pt"), ""),
}


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The loaders of formats that a library which is not here loads."""
    made = {}
    for kind, (make, _) in OTHERS.items():
        folder = tmp_path_factory.mktemp(kind)
        make(folder)
        version = version_of(folder)
        made[kind] = loader.generate(version.model_copy(update={"verdict": None}), folder)
    return made


def test_a_library_that_is_missing_is_named(others: dict[str, str], tmp_path: Path) -> None:
    missing = {
        kind: library
        for kind, (_, library) in OTHERS.items()
        if library and importlib.util.find_spec(IMPORTED.get(kind, library)) is None
    }
    told = printed({kind: others[kind] for kind in ("torch", *missing)}, tmp_path / "elsewhere")
    assert "weight (2, 2)" in told["torch"]
    for kind, library in missing.items():
        assert f"Loading this model needs {library}: pip install " in told[kind]


IMPORTED = {"gguf": "llama_cpp", "paddle": "paddle"}


def test_the_programs_have_ruffs_default_style(
    folders: dict[str, Path], others: dict[str, str], tmp_path: Path
) -> None:
    for number, source in enumerate([*map(loader_of, folders.values()), *others.values()]):
        (tmp_path / f"p{number}.py").write_text(source)
    for check in (["check", "--isolated"], ["format", "--isolated", "--check", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *check, str(tmp_path)]
        ended = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("poolings", "expected"),
    [
        ({"pooling_mode_mean_tokens": True}, lambda tokens: tokens.mean(1)),
        ({"pooling_mode_cls_token": True}, lambda tokens: tokens[:, 0]),
        ({"pooling_mode": "lasttoken"}, lambda tokens: tokens[:, -1]),
        (
            {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True},
            lambda tokens: torch.cat([tokens[:, 0], tokens.amax(1)], 1),
        ),
    ],
    ids=["mean", "cls", "last", "cls and max"],
)
def test_a_sentence_transformer_pools_as_its_modules_say(
    poolings: dict[str, object], expected: Callable[[torch.Tensor], torch.Tensor], tmp_path: Path
) -> None:
    folder = tiny_bert.make_encoder(tmp_path / "model")
    types = ("Transformer", "Pooling", "Normalize")
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{name}" if i else "", "type": f"sentence_transformers.models.{name}"}
        for i, name in enumerate(types)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(poolings))
    words: dict[str, object] = {"__name__": "__main__"}
    exec(compile(loader_of(folder), "load_model.py", "exec"), words)
    with torch.inference_mode():
        encoded = words["tokenizer"](["good film"], return_tensors="pt")  # type: ignore[operator]
        pooled = expected(words["model"](**encoded).last_hidden_state)  # type: ignore[operator]
    embedded = words["embed"](["good film"])  # type: ignore[operator]
    torch.testing.assert_close(embedded, torch.nn.functional.normalize(pooled, dim=1))


def test_layers_beyond_a_pooling_are_left_to_sentence_transformers(tmp_path: Path) -> None:
    folder = tiny_bert.make_encoder(tmp_path / "model")
    module = {"idx": 0, "name": "0", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps([module]))
    assert "pip install sentence-transformers" in loader_of(folder)


def test_a_version_in_quarantine_is_refused_with_what_was_found(tmp_path: Path) -> None:
    folder = own_code(tmp_path / "model")
    with pytest.raises(UnsafeContent, match="auto_map"):
        loader_of(folder)


def test_own_code_runs_only_in_a_version_that_is_trusted(tmp_path: Path) -> None:
    folder = own_code(tmp_path / "model")
    version = version_of(folder)
    assert version.verdict is not None
    trust = Trust(by="ann", at=datetime.now(UTC), reason="read")
    trusted = version.model_copy(update={"verdict": version.verdict.model_copy(update={"trusted": trust})})
    assert '"trust_remote_code": True' in loader.generate(trusted, folder)
    plain = tiny_bert.make_encoder(tmp_path / "plain")
    assert '"trust_remote_code": False' in loader_of(plain)


def own_code(folder: Path) -> Path:
    tiny_bert.make_encoder(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling_own.Own"}}))
    return folder


def test_what_nothing_loads_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InvalidInput, match="Nothing is known that loads"):
        loader_of(tmp_path)


@given(st.one_of(st.text(), st.text("\"'\\\n\r{}#\u2028\ud800"), st.dictionaries(st.text(), st.integers())))
def test_a_literal_is_one_line_that_means_the_value(value: object) -> None:
    written = literal(value)
    assert len(written.splitlines()) == 1
    assert ast.literal_eval(written) == value
