"""Single weights, the smallest first, put to 0. The network keeps its shape: it computes as much as before and is
stored as large; only what compresses it makes use of the zeros."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedModel

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.folders import building, copy_side_files
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Record
from jupyter_modeldeploy.runtimes.transformers import load_model, save_checkpoint

Scope = Literal["global", "layer"]
PIECE = 2**24


class Sparsity(Record):
    """What became of the model. `zeros` are shares of all parameters, from 0 to 1; the `compressed` sizes are those of
    the weights' files as zlib packs them."""

    parameters: int
    zeros_before: float
    zeros_after: float
    size_before_bytes: int
    size_after_bytes: int
    compressed_before_bytes: int
    compressed_after_bytes: int
    seconds: float


def prune(folder: Path, out: Path, share: float, scope: Scope, reporter: Reporter) -> Sparsity:
    """Write the transformers checkpoint in `folder` to `out` with `share` (0 to 1) of the weights of its linear layers
    and convolutions put to 0, the smallest of all together (`global`) or of each layer alone (`layer`). Embeddings, the
    layer that answers, biases and norms stay.

    Raises InvalidInput for a share out of range, an unusable checkpoint or one without such layers."""
    started = time.monotonic()
    if not 0 < share < 1:
        raise InvalidInput(f"A share of {share:g} cannot be pruned.", "Give a number between 0 and 1, as 0.5.")
    model = load_model(folder).model
    weights = _weights(model)
    if not weights:
        raise InvalidInput("The network has no linear layer or convolution to prune.", "Choose another model.")
    before = _zeros(model)
    reporter.progress(0, 3, "parts", "pruning")
    with torch.no_grad():
        for group in [weights] if scope == "global" else [[weight] for weight in weights]:
            smallest = _threshold(group, share)
            for weight in group:
                weight[weight.abs() <= smallest] = 0
    reporter.progress(1, 3, "parts", "writing")
    with building(out) as partial:
        copy_side_files(folder, partial)
        save_checkpoint(model, partial)
    reporter.progress(2, 3, "parts", "compressing")
    sizes = [_sizes(each) for each in (folder, out)]
    reporter.progress(3, 3, "parts", "pruned")
    return Sparsity(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        zeros_before=before,
        zeros_after=_zeros(model),
        size_before_bytes=sizes[0][0],
        size_after_bytes=sizes[1][0],
        compressed_before_bytes=sizes[0][1],
        compressed_after_bytes=sizes[1][1],
        seconds=time.monotonic() - started,
    )


def _weights(model: PreTrainedModel) -> list[torch.Tensor]:
    return [
        module.weight
        for module in model.modules()
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))
        and not (isinstance(module, torch.nn.Linear) and module.out_features == model.config.num_labels)
    ]


def _threshold(weights: Sequence[torch.Tensor], share: float) -> float:
    """The size below or at which `share` of the weights lie."""
    sizes = torch.cat([weight.detach().abs().flatten() for weight in weights])
    return float(sizes.kthvalue(max(1, round(share * sizes.numel()))).values)


def _zeros(model: PreTrainedModel) -> float:
    counts = [(int((parameter == 0).sum()), parameter.numel()) for parameter in model.parameters()]
    return sum(zeros for zeros, _ in counts) / max(1, sum(total for _, total in counts))


def _sizes(folder: Path) -> tuple[int, int]:
    """Bytes of the weights' files, as they are and packed."""
    plain = packed = 0
    for path in folder.glob("*.safetensors"):
        packer = zlib.compressobj()
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                plain += len(piece)
                packed += len(packer.compress(piece))
        packed += len(packer.flush())
    return plain, packed
