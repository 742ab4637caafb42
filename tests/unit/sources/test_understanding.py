"""What a version's files tell: parameters, memory, licence, card, and why it cannot be served."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import model_files
import pytest
import tiny_bert
import tiny_onnx
import tiny_torch
import torch
from safetensors.torch import save_file
from transformers import AutoModel

from jupyter_modeldeploy.records import Facts, Format
from jupyter_modeldeploy.sources.recognise import recognise
from jupyter_modeldeploy.sources.understanding import facts
from jupyter_modeldeploy.sources.understanding.card import body

LINEAR = 4 * 8 + 8 + 8 * 3 + 3
"""The parameters of tiny_torch.Classifier."""


def told(folder: Path) -> Facts:
    return facts(folder, recognise(folder))


def figures(folder: Path) -> tuple[int | None, str | None, int | None]:
    found = told(folder)
    return found.parameters, found.dtype, found.memory_bytes


def test_a_checkpoint_has_the_parameters_that_it_has_when_it_is_loaded(tmp_path: Path) -> None:
    loaded = AutoModel.from_pretrained(tiny_bert.make_encoder(tmp_path))
    count = sum(parameter.numel() for parameter in loaded.parameters())
    assert figures(tmp_path) == (count, "F32", 4 * count)
    found = told(tmp_path)
    assert (found.framework, found.architecture, found.note) == ("transformers", "BertModel", "")


def test_shards_are_counted_together_and_most_parameters_name_the_type(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert", "vocab_size": 9}')
    save_file({"a": torch.zeros(10, dtype=torch.bfloat16)}, tmp_path / "model-1.safetensors")
    save_file({"b": torch.zeros(3)}, tmp_path / "model-2.safetensors")
    shards = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(shards))
    assert figures(tmp_path) == (13, "BF16", 32)


def test_a_checkpoint_in_a_pickle_is_counted_and_said_to_be_unusable(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(5, 2, dtype=torch.float16)}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text('{"model_type": "bert", "vocab_size": 9}')
    assert figures(tmp_path) == (10, "F16", 20)
    assert "Only weights in safetensors are loaded" in told(tmp_path).note


@pytest.mark.parametrize("zipped", [True, False])
def test_the_model_of_a_training_checkpoint_is_counted_without_its_optimizer(zipped: bool, tmp_path: Path) -> None:
    module = tiny_torch.Classifier()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.zeros(1, 4)).sum().backward()
    optimizer.step()
    saved = {"state_dict": module.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(saved, tmp_path / "last.ckpt", _use_new_zipfile_serialization=zipped)
    assert figures(tmp_path) == (LINEAR, "F32", 4 * LINEAR)


def test_tensors_that_share_their_data_count_once(tmp_path: Path) -> None:
    tensor = torch.zeros(6)
    torch.save({"a": tensor, "b": tensor.view(2, 3)}, tmp_path / "m.pt")
    assert figures(tmp_path) == (6, "F32", 24)


def test_a_pickle_that_claims_more_than_its_archive_holds_is_not_believed(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(300)}, tmp_path / "honest.zip")
    with zipfile.ZipFile(tmp_path / "honest.zip") as honest, zipfile.ZipFile(tmp_path / "m.pt", "w") as lying:
        for name in honest.namelist():
            content = honest.read(name)
            claims = content.replace(b"M" + struct.pack("<H", 300), b"M" + struct.pack("<H", 60000))
            lying.writestr(name, claims if name.endswith("data.pkl") else content)
    (tmp_path / "honest.zip").unlink()
    assert figures(tmp_path)[0] == 300


def test_exported_programs_and_torchscript_are_counted(tmp_path: Path) -> None:
    tiny_torch.exported(tmp_path / "exported", tiny_torch.Classifier(), torch.zeros(2, 4))
    tiny_torch.scripted(tmp_path / "scripted", tiny_torch.Classifier())
    assert figures(tmp_path / "exported") == (LINEAR, "F32", 4 * LINEAR)
    assert figures(tmp_path / "scripted") == (LINEAR, "F32", 4 * LINEAR)


def test_of_a_yolo_checkpoint_the_parameters_are_counted_without_the_statistics(tmp_path: Path) -> None:
    model_files.yolo(tmp_path / "yolo11n.pt")
    parameters = 4 * 3 * 3 * 3 + 4 + 4 + 4
    assert figures(tmp_path) == (parameters, "F16", 2 * parameters)
    assert "[vision]" in told(tmp_path).note


def test_the_weights_of_an_onnx_file_are_counted(tmp_path: Path) -> None:
    parameters, dtype, size = figures(tiny_onnx.add_one(tmp_path))
    assert (parameters, dtype, size) == (4, "F32", 16)
    assert told(tmp_path).note == ""


def test_a_gguf_file_is_counted_with_its_other_parts(tmp_path: Path) -> None:
    metadata = {"general.architecture": "llama", "general.license": "apache-2.0", "tokenizer.tokens": ["a", "b"]}
    for part in (1, 2):
        tensors = {"w": ("Q4_K", [256, 4]), "norm": ("F32", [8])}
        model_files.gguf(tmp_path / f"m-{part:05}-of-00002.gguf", metadata, tensors)
    assert figures(tmp_path) == (2 * (1024 + 8), "Q4_K", 2 * (4 * 144 + 32))
    assert told(tmp_path).license == "Apache-2.0"


def test_the_variables_of_a_saved_model_are_counted_without_the_optimizers(tmp_path: Path) -> None:
    variables = {
        "variables/0/.ATTRIBUTES/VARIABLE_VALUE": (model_files.TF_FLOAT, [4, 3], 48),
        "variables/1/.ATTRIBUTES/VARIABLE_VALUE": (model_files.TF_FLOAT, [3], 12),
        "variables/0/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE": (model_files.TF_FLOAT, [4, 3], 48),
        "save_counter/.ATTRIBUTES/VARIABLE_VALUE": (model_files.TF_INT64, [], 8),
        "_CHECKPOINTABLE_OBJECT_GRAPH": (model_files.TF_STRING, [], 100),
    }
    assert figures(model_files.saved_model(tmp_path, variables)) == (15, "F32", 60)


def test_a_damaged_index_of_variables_leaves_the_count_out_and_says_so(tmp_path: Path) -> None:
    model_files.saved_model(tmp_path, {})
    (tmp_path / "variables" / "variables.index").write_bytes(b"\xff" * 100)
    assert figures(tmp_path) == (None, None, None)
    assert "cannot be counted: variables.index" in told(tmp_path).note


def test_the_parameters_of_a_paddle_model_are_counted(tmp_path: Path) -> None:
    assert figures(model_files.paddle(tmp_path, {"w": [4, 3], "b": [3]})) == (15, "F32", 60)


def test_a_cut_off_file_of_parameters_is_said(tmp_path: Path) -> None:
    model_files.paddle(tmp_path, {"w": [4, 3]})
    path = tmp_path / "inference.pdiparams"
    path.write_bytes(path.read_bytes()[:-1])
    assert "inference.pdiparams is cut off" in told(tmp_path).note


def test_a_pipeline_is_counted_in_one_variant(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    for folder, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
        (tmp_path / folder).mkdir()
        save_file({"w": torch.zeros(10)}, tmp_path / folder / f"{name}.safetensors")
        save_file({"w": torch.zeros(10, dtype=torch.float16)}, tmp_path / folder / f"{name}.fp16.safetensors")
    assert figures(tmp_path) == (20, "F32", 80)


def test_a_task_that_nothing_serves_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "gpt2", "vocab_size": 9, "architectures": ["GPT2LMHeadModel"]})
    )
    save_file({"w": torch.zeros(10)}, tmp_path / "model.safetensors")
    assert "nothing here serves the task text-generation" in told(tmp_path).note


def card(folder: Path, matter: str, name: str = "README.md") -> Path:
    tiny_onnx.add_one(folder)
    (folder / name).write_text(f"---\n{matter}\n---\n# A model\n")
    return folder


@pytest.mark.parametrize(
    ("matter", "licence"),
    [
        ("license: apache-2.0", "Apache-2.0"),
        ("license:\n- mit\n- apache-2.0", "MIT AND Apache-2.0"),
        ("license: other\nlicense_name: my-licence", "my-licence"),
        ("license: openrail", "openrail"),
        ("tags: [a, b]\nlicense: 'cc-by-4.0' # said so", "CC-BY-4.0"),
        ("model-index:\n- name: x\n  results: [&a [1], *a]\nlicense: mit", "MIT"),
        ("license: [", None),
        ("license: &a [*a]", None),
        ("license: " + "[" * 5000, None),
        ("license: !!python/object/apply:os.system ['false']", None),
        ("license: 1" + "0" * 5000, None),
    ],
)
def test_the_card_names_the_licence(matter: str, licence: str | None, tmp_path: Path) -> None:
    found = told(card(tmp_path, matter))
    assert (found.card, found.license) == ("README.md", licence)


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Apache License\n   Version 2.0, January 2004", "Apache-2.0"),
        ("Permission is hereby granted, free of\ncharge, to any person … without restriction", "MIT"),
        ("GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3, 19 November 2007", "AGPL-3.0"),
        ("GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007 … the GNU Affero General Public License", "GPL-3.0"),
        ("SPDX-License-Identifier: BSD-3-Clause", "BSD-3-Clause"),
        ("Do what you like.", None),
    ],
)
def test_a_licence_is_recognised_by_its_words(text: str, licence: str | None, tmp_path: Path) -> None:
    tiny_onnx.add_one(tmp_path)
    (tmp_path / "LICENSE.txt").write_text(text)
    assert told(tmp_path).license == licence


def test_a_card_need_not_be_text(tmp_path: Path) -> None:
    tiny_onnx.add_one(tmp_path)
    (tmp_path / "README.md").write_bytes(b"---\nlicense: mit\n---\n\xff\xfe\x00")
    assert told(tmp_path).license == "MIT"


def test_the_text_of_a_card_has_no_front_matter() -> None:
    assert body("---\nlicense: mit\n---\n\n# A model\n---\nmore") == "# A model\n---\nmore"
    assert body("# A model") == "# A model"


def test_what_is_unknown_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    found = told(tmp_path)
    assert recognise(tmp_path).format is Format.unknown
    assert found.note.startswith("No known kind of model")
