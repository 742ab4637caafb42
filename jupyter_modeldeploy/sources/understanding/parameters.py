"""How many parameters a model has, by its format."""

from __future__ import annotations

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources import onnx_graph
from jupyter_modeldeploy.sources.formats import (
    adapter,
    checkpoint,
    diffusers,
    gguf,
    paddle,
    tensorflow,
    torch_archive,
    ultralytics,
)
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.formats.weights import Weights


def count(recognised: Recognised) -> Weights | None:
    """The model's parameters; None where its format does not tell. Raises InvalidInput for damaged files."""
    match recognised.format:
        case Format.transformers:
            return checkpoint.weights(recognised)
        case Format.adapter:
            return adapter.weights(recognised)
        case Format.diffusers:
            return diffusers.weights(recognised)
        case Format.onnx:
            return onnx_graph.count(recognised.primary)
        case Format.torch | Format.torchscript | Format.exported:
            return torch_archive.count([recognised.primary])
        case Format.ultralytics:
            return ultralytics.weights(recognised)
        case Format.gguf:
            return gguf.weights(recognised)
        case Format.savedmodel:
            return tensorflow.weights(recognised)
        case Format.paddle:
            return paddle.weights(recognised)
    return None
