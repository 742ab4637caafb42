"""Checkpoints whose layers have fewer channels than their configuration says; `pruning.json` tells which lack.

A configuration of transformers names one width for many layers. So a network of convolutions that was pruned layer by
layer is its configuration, and the list of what was then taken out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch_pruning
from transformers import PreTrainedModel

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes.transformers import PRUNED


class Taken(NamedTuple):
    """The channels that were taken out of a layer, of its outputs or of its inputs; the layers that depend on it lose
    the same."""

    layer: str
    of_outputs: bool
    channels: list[int]


def graph_of(model: PreTrainedModel) -> torch_pruning.DependencyGraph:
    """Which layers depend on each other, found by running an image through the classifier."""
    return torch_pruning.DependencyGraph().build_dependency(
        model, example(model), forward_fn=forward, output_transform=lambda output: output.logits
    )


def example(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    size = getattr(model.config, "image_size", None) or 64
    height, width = (size, size) if isinstance(size, int) else size
    return {"pixel_values": torch.zeros(1, getattr(model.config, "num_channels", 3), height, width)}


def forward(model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> Any:
    return model(**inputs)


def taken_out(model: PreTrainedModel) -> list[Taken]:
    """What was taken out of the model so far, in order."""
    found: list[Taken] = getattr(model, "taken_out", [])
    return found


def note(model: PreTrainedModel, taken: Sequence[Taken]) -> None:
    """Remember what was taken out of the model, to be written beside its weights."""
    model.taken_out = [*taken_out(model), *taken]  # type: ignore[assignment]


def write(model: PreTrainedModel, folder: Path) -> None:
    """Write what was taken out, if anything was."""
    if taken := taken_out(model):
        (folder / PRUNED).write_text(json.dumps([list(one) for one in taken]))


def take_out(model: PreTrainedModel, folder: Path) -> None:
    """Take the channels out of `model` that `folder` says. Raises InvalidInput for a file that does not fit it."""
    try:
        taken = [Taken(str(layer), bool(outputs), _indices(channels)) for layer, outputs, channels in _read(folder)]
        graph_of(model).load_pruning_history([tuple(one) for one in taken])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, AssertionError, RuntimeError) as error:
        raise InvalidInput(
            f"{PRUNED} of {folder.name} does not fit its configuration: {error}", "Fetch or prune the model again."
        ) from error
    note(model, taken)


def _read(folder: Path) -> list[Any]:
    found = json.loads((folder / PRUNED).read_text())
    if not isinstance(found, list):
        raise ValueError("it is no list")
    return found


def _indices(channels: Any) -> list[int]:
    if not isinstance(channels, list) or not all(type(index) is int and index >= 0 for index in channels):
        raise ValueError("channels are counted from 0")
    return channels
