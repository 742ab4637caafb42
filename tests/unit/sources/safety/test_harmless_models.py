"""Ordinary models as people keep them: nothing is found in any of them."""

from __future__ import annotations

import json
import pickle
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_bert
import tiny_onnx
import tiny_torch
import torch
from hostile_repositories import files, hdf5, keras_archive, safetensors, saved_model, tensor

from jupyter_modeldeploy.sources.safety import examine

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2, "activation": "relu"}}
CHATML = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "{{ '<|im_start|>system' }}{% endif %}"
    "{% generation %}{{ message['content'] | trim }}{% endgeneration %}{% if not loop.last %}{% continue %}{% endif %}"
    "{% endfor %}{% set ns = namespace(found=false) %}{{ raise_exception('no') if messages[0].role == 'x' }}"
)


def sentence_transformers(folder: Path) -> None:
    """The layout of all-MiniLM-L6-v2."""
    tiny_bert.make_encoder(folder)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"), ("3_Dense", "Dense")]
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
                for index, (path, kind) in enumerate(modules)
            ]
        )
    )
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        '{"word_embedding_dimension": 384, "pooling_mode_mean_tokens": true}'
    )
    (folder / "3_Dense").mkdir()
    (folder / "3_Dense" / "config.json").write_text('{"activation_function": "torch.nn.modules.activation.Tanh"}')
    (folder / "config_sentence_transformers.json").write_text('{"__version__": {"transformers": "4.6.1"}}')
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    (folder / "vocab.txt").write_text("cat\ndog\n(\nR\n.\n")
    (folder / "data_config.json").write_text('[{"name": "x"}]')
    torch.save(torch.nn.Linear(2, 2).state_dict(), folder / "pytorch_model.bin")


def chat_model(folder: Path) -> None:
    tiny_bert.make_encoder(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": CHATML}))
    (folder / "chat_template.jinja").write_text(CHATML)
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t\n")


def training_states(folder: Path) -> None:
    """What a training leaves beside its weights."""
    weights = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(weights.parameters())
    torch.save(optimizer.state_dict(), folder / "optimizer.pt")
    torch.save(torch.optim.lr_scheduler.StepLR(optimizer, 1).state_dict(), folder / "scheduler.pt")
    states = {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.random.get_rng_state()}
    torch.save(states, folder / "rng_state.pth")
    from transformers import TrainingArguments

    torch.save(TrainingArguments(output_dir=str(folder), report_to=[]), folder / "training_args.bin")


def state_dicts(folder: Path) -> None:
    weights = torch.nn.BatchNorm2d(3).half().state_dict()
    torch.save(weights, folder / "new.pt")
    torch.save(weights, folder / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": weights, "best": np.float64(0.5), "names": ["a"]}, folder / "last.ckpt")
    torch.save(torch.nn.Parameter(torch.zeros(128)), folder / "one.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.full((64,), -128, dtype=torch.int8), folder / "bytes.pt")
    (folder / "raw.bin").write_bytes(struct.pack("<8f", *range(8)) * 100)
    (folder / "weights.data").write_bytes(b"\x80\x02\xff\xff" * 100)


def onnx_with_data(folder: Path) -> None:
    tiny_onnx.add_one(folder)
    model = onnx.load(folder / "model.onnx")
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="model.onnx_data", size_threshold=0)


def torch_programs(folder: Path) -> None:
    samples = torch.zeros(2, 4)
    tiny_torch.exported(folder / "exported", tiny_torch.Classifier(), samples)
    tiny_torch.scripted(folder / "scripted", tiny_torch.Classifier())
    tiny_torch.traced(folder / "traced", tiny_torch.Classifier(), samples)


def arrays(folder: Path) -> None:
    np.save(folder / "vectors.npy", np.zeros((4, 2), np.float32))
    np.savez(folder / "vectors.npz", a=np.arange(4), b=np.array(["x", "yy"]))
    (folder / "labels.pkl").write_bytes(pickle.dumps({"classes": ["a", "b"], "counts": {1, 2}}))
    with zipfile.ZipFile(folder / "images.zip", "w") as package:
        package.writestr("one.png", b"\x89PNG")


def tensorflow(folder: Path) -> None:
    files(saved_model_dot_pb=saved_model("MatMul"), keras_metadata_dot_pb=b"\x0a\x02ab")(folder, "")
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(bytes(range(256)) * 4)


def keras(folder: Path) -> None:
    (folder / "model.keras").write_bytes(keras_archive(DENSE))
    (folder / "model.h5").write_bytes(hdf5(DENSE))


def diffusers(folder: Path) -> None:
    parts = {"unet": ["diffusers", "UNet2DConditionModel"], "text_encoder": ["transformers", "CLIPTextModel"]}
    checker = {"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"], "image_encoder": [None, None]}
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", **parts, **checker}
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "unet").mkdir()
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(safetensors({"a": tensor(0, 16)}))


MODELS: list[Callable[[Path], None]] = [
    *(sentence_transformers, chat_model, training_states, state_dicts, onnx_with_data, torch_programs, arrays),
    *(tensorflow, keras, diffusers),
]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_nothing_is_found(make: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch says while the files are made is not what is tested
        make(folder)
    assert examine(folder).findings == []
