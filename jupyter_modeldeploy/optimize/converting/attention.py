"""A transformer's attention as one operator of ONNX Runtime, which is faster than its parts and is quantized as one.

ONNX Runtime's fusions know some ways to write the mask of padding. torch writes that of transformers 5 in another one,
of twenty operators; so it is written in a known way first, where it is proven to be that mask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnxruntime.transformers.fusion_options import AttentionMaskFormat, FusionOptions
from onnxruntime.transformers.optimizer import MODEL_TYPES, optimize_model

from jupyter_modeldeploy.errors import ConversionFailed
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.optimize.quantizing.graph import MODEL
from jupyter_modeldeploy.runtimes.onnx import CPU, session_options
from jupyter_modeldeploy.tasks.model_config import max_tokens

FUSED = ("Attention", "MultiHeadAttention")
DOMAIN = "com.microsoft"
MASK = "attention_mask"
SHAPES = ((3, 1), (3, 17))
"""Texts and their tokens that a mask is computed for, beside one text that is as long as the model takes."""
LONGEST = 8192


def fused(folder: Path) -> onnx.ModelProto:
    """The ONNX model of `folder` with one operator for the attention of each layer. The other fusions of transformers
    are left to ONNX Runtime, which does those that pay on its device when it loads a model.

    Raises ConversionFailed where config.json names no attention heads and where the graph's attention is of a kind that
    the fusion does not know. Whether the answers stay the same is for the caller to prove."""
    config = read_json(folder / "config.json")
    heads, hidden = config.get("num_attention_heads"), config.get("hidden_size")
    if not isinstance(heads, int) or not isinstance(hidden, int):
        raise ConversionFailed("config.json names no attention heads.", "It is no transformer, or not a plain one.")
    kind = str(config.get("model_type", ""))
    kind = kind if kind in MODEL_TYPES else "bert"
    model = onnx.load(folder / MODEL)
    short = _shorten_masks(model, min(max_tokens(folder), LONGEST))
    options = _attention_alone(kind, model)
    optimizer = optimize_model(model, kind, heads, hidden, options, opt_level=0)
    optimizer.topological_sort()
    result: onnx.ModelProto = optimizer.model
    if not any(node.op_type in FUSED for node in result.graph.node):
        raise ConversionFailed("The graph has no attention that ONNX Runtime can fuse.", "Leave it as exported.")
    if short & {name for node in result.graph.node for name in node.output}:
        raise ConversionFailed("Some layers' attention cannot be fused.", "Leave it as exported.")
    del result.graph.value_info[:]
    if not any(one.domain == DOMAIN for one in result.opset_import):
        result.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
    return result


def _attention_alone(kind: str, model: onnx.ModelProto) -> FusionOptions:
    options = FusionOptions(kind)
    if _takes_mask(model):  # not only where it ends, which is the default for some
        options.attention_mask_format = AttentionMaskFormat.AttentionMask
    # ONNX Runtime's kernels of these are slower on a processor than their parts: of skip_layer_norm 3 to 9 times.
    options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = False
    options.enable_embed_layer_norm = options.enable_bias_gelu = False
    return options


def _shorten_masks(model: onnx.ModelProto, longest: int) -> set[str]:
    """Write what masks padding as `where(1 - attention_mask, lowest, 0)`; the names of these values."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    short = set()
    for place, node in reversed(list(enumerate(model.graph.node))):
        lowest = _lowest(node, constants)
        if lowest is not None and _masks_padding(model, node.output[0], lowest, longest):
            del model.graph.node[place]
            for new in reversed(list(_short_mask(model, node.output[0], lowest))):
                model.graph.node.insert(place, new)
            short.add(node.output[0])
    return short


def _lowest(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> float | None:
    """The negative number that `node` adds to what is not to be looked at, if it does."""
    if node.op_type != "Where" or not set(node.input[1:]) <= constants.keys():
        return None
    zero, lowest = (numpy_helper.to_array(constants[name]) for name in node.input[1:])
    masks = zero.dtype == np.float32 and zero.size == lowest.size == 1 and zero.item() == 0 > lowest.item()
    return float(lowest.item()) if masks else None


def _masks_padding(model: onnx.ModelProto, name: str, lowest: float, longest: int) -> bool:
    """Whether the value is the mask of padding and nothing else (no window, nothing causal), however long a text is."""
    if not _takes_mask(model) or any(node.op_type != "Add" for node in model.graph.node if name in node.input):
        return False
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.node[:], part.graph.output[:]
    part.graph.node.extend(_leading_to(model, name))
    part.graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(part.SerializeToString(), session_options(1), providers=[CPU])
    generator = np.random.default_rng(0)
    for shape in (*SHAPES, (1, longest)):
        ids = np.zeros(shape, np.int64)
        mask = generator.integers(0, 2, shape)
        mask[0, 0] = 1
        given = {value.name: mask if value.name == MASK else ids for value in part.graph.input}
        computed = session.run([name], given)[0]
        expected = np.where(mask[:, None, None, :] > 0, np.float32(0), np.float32(lowest))
        if computed.shape[0] != shape[0] or not np.array_equal(computed, np.broadcast_to(expected, computed.shape)):
            return False
    return True


def _takes_mask(model: onnx.ModelProto) -> bool:
    return any(value.name == MASK for value in model.graph.input)


def _leading_to(model: onnx.ModelProto, name: str) -> list[onnx.NodeProto]:
    """The nodes that compute the value, in the graph's order."""
    needed, nodes = {name}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            nodes.append(node)
    return nodes[::-1]


def _short_mask(model: onnx.ModelProto, name: str, lowest: float) -> Iterator[onnx.NodeProto]:
    """In the words of one of the patterns that the fusion looks for; `Expand` does nothing here but to be there."""
    constants: dict[str, np.ndarray] = {
        "zero": np.zeros((), np.float32),
        "lowest": np.array(lowest, np.float32),
        "one": np.ones((), np.int64),
        "axis_1": np.array([1], np.int64),
        "axis_2": np.array([2], np.int64),
        "shape": np.ones(4, np.int64),
    }
    for each, array in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(array, f"{name}_{each}"))
    yield onnx.helper.make_node("Unsqueeze", [MASK, f"{name}_axis_1"], [f"{name}_by_head"])
    yield onnx.helper.make_node("Unsqueeze", [f"{name}_by_head", f"{name}_axis_2"], [f"{name}_by_token"])
    yield onnx.helper.make_node("Expand", [f"{name}_by_token", f"{name}_shape"], [f"{name}_seen"])
    yield onnx.helper.make_node("Sub", [f"{name}_one", f"{name}_seen"], [f"{name}_unseen"])
    yield onnx.helper.make_node("Cast", [f"{name}_unseen"], [f"{name}_padding"], to=onnx.TensorProto.BOOL)
    yield onnx.helper.make_node("Where", [f"{name}_padding", f"{name}_lowest", f"{name}_zero"], [name])
