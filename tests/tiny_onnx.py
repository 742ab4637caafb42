"""ONNX models of a few nodes and a tokenizer of a few words, made in milliseconds: real files for tests of serving."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "the"]
HIDDEN = 4


def save(
    folder: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: dict[str, np.ndarray],
) -> Path:
    graph = helper.make_graph(
        nodes, "tiny", inputs, outputs, [numpy_helper.from_array(array, name) for name, array in weights.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    return folder


def value(name: str, dtype: int, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def add_one(folder: Path, amount: float = 1.0) -> Path:
    """`y = x + amount`, FP32[batch, 4]: an answer tells which version gave it."""
    return save(
        folder,
        [helper.make_node("Add", ["x", "amount"], ["y"])],
        [value("x", TensorProto.FLOAT, ["batch", 4])],
        [value("y", TensorProto.FLOAT, ["batch", 4])],
        {"amount": np.full(4, amount, np.float32)},
    )


def echo(folder: Path, dtype: int, shape: list) -> Path:
    """`y = x` of any datatype."""
    return save(
        folder,
        [helper.make_node("Identity", ["x"], ["y"])],
        [value("x", dtype, shape)],
        [value("y", dtype, shape)],
        {},
    )


def over_rows(folder: Path) -> Path:
    """`y = x - mean of all rows`, FP32[batch, 2]: rows touch each other, though the first dimension is free."""
    return save(
        folder,
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["x", "mean"], ["y"]),
        ],
        [value("x", TensorProto.FLOAT, ["batch", 2])],
        [value("y", TensorProto.FLOAT, ["batch", 2])],
        {},
    )


def slow(folder: Path) -> Path:
    """`y = x`, FP32[batch, width], after so many turns of a loop as the largest value of `x` in thousands says."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("MatMul", ["state", "turn"], ["next_state"]),
        ],
        "body",
        [value("index", TensorProto.INT64, []), value("going", TensorProto.BOOL, []), value("state", 1, [32, 32])],
        [value("still_going", TensorProto.BOOL, []), value("next_state", 1, [32, 32])],
        [numpy_helper.from_array(np.eye(32, dtype=np.float32), "turn")],
    )
    return save(
        folder,
        [
            helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
            helper.make_node("Mul", ["largest", "thousand"], ["turns_float"]),
            helper.make_node("Cast", ["turns_float"], ["turns"], to=TensorProto.INT64),
            helper.make_node("Loop", ["turns", "", "start"], ["end"], body=body),
            helper.make_node("ReduceSum", ["end"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
            helper.make_node("Add", ["x", "nothing"], ["y"]),
        ],
        [value("x", TensorProto.FLOAT, ["batch", "width"])],
        [value("y", TensorProto.FLOAT, ["batch", "width"])],
        {
            "thousand": np.array(1000, np.float32),
            "zero": np.array(0, np.float32),
            "start": np.zeros((32, 32), np.float32),
        },
    )


def greedy(folder: Path, always_mib: int = 0) -> Path:
    """`y`, the mebibytes that the run has taken and the session keeps: so many as `mib` INT64[1] says, and these."""
    return save(
        folder,
        [
            helper.make_node("Add", ["mib", "always"], ["all"]),
            helper.make_node("Mul", ["all", "mebibyte"], ["size"]),
            helper.make_node("ConstantOfShape", ["size"], ["taken"]),
            helper.make_node("ReduceSum", ["taken"], ["sum"], keepdims=0),
            helper.make_node("Cast", ["all"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["float", "sum"], ["y"]),
        ],
        [value("mib", TensorProto.INT64, [1])],
        [value("y", TensorProto.FLOAT, [1])],
        {"always": np.array([always_mib]), "mebibyte": np.array([2**18])},
    )


def classifier(folder: Path, token_types: bool = True) -> Path:
    """Logits of `bad` and `good`: how often each word comes. With a tokenizer and its configuration."""
    table = np.zeros((len(WORDS), 2), np.float32)
    table[WORDS.index("bad"), 0] = table[WORDS.index("good"), 1] = 2.0
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if token_types else [])]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["scores"]),
        helper.make_node("Cast", ["attention_mask"], ["mask_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask_float", "last"], ["mask"]),
        helper.make_node("Mul", ["scores", "mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "tokens"], ["logits"], keepdims=0),
    ]
    save(
        folder,
        nodes,
        [value(name, TensorProto.INT64, ["batch", "tokens"]) for name in inputs],
        [value("logits", TensorProto.FLOAT, ["batch", 2])],
        {"table": table, "last": np.array([2]), "tokens": np.array([1])},
    )
    config = {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "negative", "1": "positive"},
        "max_position_embeddings": 64,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return tokenizer(folder)


def encoder(folder: Path) -> Path:
    """`last_hidden_state` FP32[batch, tokens, 4]: each word's own vector. With a tokenizer."""
    table = np.random.default_rng(0).standard_normal((len(WORDS), HIDDEN)).astype(np.float32)
    save(
        folder,
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        [value(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")],
        [value("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", HIDDEN])],
        {"table": table},
    )
    np.save(folder / "table.npy", table)
    return tokenizer(folder)


def tokenizer(folder: Path) -> Path:
    made = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 16, "pad_token": "[PAD]"}))
    return folder


def pictures(folder: Path) -> Path:
    """Logits FP32[batch, 3] of `pixel_values` FP32[batch, 3, 16, 16]: the mean of each colour, red first."""
    return save(
        folder,
        [helper.make_node("ReduceMean", ["pixel_values"], ["logits"], axes=[2, 3], keepdims=0)],
        [value("pixel_values", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [value("logits", TensorProto.FLOAT, ["batch", 3])],
        {},
    )
