"""Whole channels and neurons, the weakest first, with all that depends on them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeGuard

import torch
import torch_pruning
from transformers import PretrainedConfig, PreTrainedModel

from jupyter_modeldeploy.errors import InvalidInput, ParityFailed
from jupyter_modeldeploy.optimize.folders import building, copy_side_files
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Record
from jupyter_modeldeploy.runtimes import pruned
from jupyter_modeldeploy.runtimes.transformers import Encoder, ImageClassifier, load_model, save_checkpoint

INNER_WIDTHS = ("intermediate_size", "hidden_dim", "ffn_dim", "encoder_ffn_dim", "n_inner")
"""Where configurations say how wide the feed-forward layers are."""
LAYERED = (torch.nn.Linear, torch.nn.Conv2d)
STEPS = (16, 8)
"""In AVX-512 and AVX2 so many numbers of 32 bits are computed at a time. A ResNet whose 64 and 128 channels were cut to
38 and 76 was 1.3 times as fast, one with 32 and 64 twice."""
WEIGHTED = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Embedding, torch.nn.LayerNorm)


class Pruning(Record):
    """What became of the model. `operations` are multiply-accumulates for one row."""

    parameters_before: int
    parameters_after: int
    operations_before: int
    operations_after: int
    size_before_bytes: int
    size_after_bytes: int
    seconds: float


def prune(folder: Path, out: Path, share: float, reporter: Reporter) -> Pruning:
    """Write the transformers checkpoint in `folder` to `out` without `share` (0 to 1) of its channels, as near to it as
    `left_of` says.

    Of a network of convolutions these are the weakest by the norm of their weights, in each layer. Of a transformer
    they are neurons of the feed-forward layers: a checkpoint like any other, with a smaller inner width. The result
    answers worse until it is fine-tuned.

    Raises InvalidInput for a share out of range, an unusable checkpoint or one with nothing to prune, ParityFailed
    where the pruned model's answers are not finite; then `out` is not written."""
    started = time.monotonic()
    if not 0 < share < 1:
        raise InvalidInput(f"A share of {share:g} cannot be pruned.", "Give a number between 0 and 1, as 0.3.")
    loaded = load_model(folder)
    model, inputs = loaded.model, _inputs(loaded)
    before = torch_pruning.utils.count_ops_and_params(model, inputs)
    reporter.progress(0, 2, "parts", "pruning")
    with quiet():
        _take_neurons(model, inputs, share) if _has_attention(model) else _take_channels(model, inputs, share)
    after = torch_pruning.utils.count_ops_and_params(model, inputs)
    if after[1] == before[1]:
        raise InvalidInput(f"{folder.name} has no layer of which {share:.0%} can be taken.", "Take a larger share.")
    with torch.no_grad():
        if not torch.isfinite(model(**inputs)[loaded.signature.outputs[0].name]).all():
            raise ParityFailed("The pruned model's answers are not finite.", "Nothing was kept.")
    reporter.progress(1, 2, "parts", "writing")
    with building(out) as partial:
        copy_side_files(folder, partial)
        save_checkpoint(model, partial)
        size = _size(partial)
    reporter.progress(2, 2, "parts", "pruned")
    return Pruning(
        parameters_before=int(before[1]),
        parameters_after=int(after[1]),
        operations_before=int(before[0]),
        operations_after=int(after[0]),
        size_before_bytes=_size(folder),
        size_after_bytes=size,
        seconds=time.monotonic() - started,
    )


def _inputs(model: Encoder | ImageClassifier) -> dict[str, torch.Tensor]:
    if isinstance(model, ImageClassifier):
        return pruned.example(model.model)
    return {spec.name: torch.ones((1, 8), dtype=torch.int64) for spec in model.signature.inputs}


def _has_attention(model: PreTrainedModel) -> bool:
    return hasattr(model.config, "num_attention_heads")


def _take_channels(model: PreTrainedModel, inputs: dict[str, torch.Tensor], share: float) -> None:
    """Of all layers but those that answer."""
    answering = [module for module in model.modules() if _answers(module, model.config)]
    pruner = _pruner(model, inputs, share, answering)
    pruner.step()
    pruned.note(model, [pruned.Taken(layer, bool(out), list(index)) for layer, out, index in pruner.pruning_history()])


def _answers(module: torch.nn.Module, config: PretrainedConfig) -> bool:
    return isinstance(module, torch.nn.Linear) and module.out_features == config.num_labels


def _take_neurons(model: PreTrainedModel, inputs: dict[str, torch.Tensor], share: float) -> None:
    """Of the feed-forward layers: heads and the width between layers stay."""
    name = next((name for name in INNER_WIDTHS if isinstance(getattr(model.config, name, None), int)), None)
    if name is None:
        raise InvalidInput(
            f"The configuration of {model.config.model_type} does not say how wide its feed-forward layers are.",
            "Prune a BERT, a ViT or a network of convolutions.",
        )
    width = getattr(model.config, name)
    inner = [module for path, module in model.named_modules() if _is_inner(path, module, width)]
    others = [module for module in model.modules() if isinstance(module, WEIGHTED) and module not in inner]
    _pruner(model, inputs, share, others).step()
    (left,) = {module.out_features for module in inner}  # the share is taken of each alike
    setattr(model.config, name, left)


def _is_inner(path: str, module: torch.nn.Module, width: int) -> TypeGuard[torch.nn.Linear]:
    return isinstance(module, torch.nn.Linear) and module.out_features == width and "att" not in path


def _pruner(model: PreTrainedModel, inputs: dict[str, torch.Tensor], share: float, ignored: list[Any]) -> Any:
    layers = [module for module in model.modules() if isinstance(module, LAYERED) and module not in ignored]
    widths = {layer: layer.weight.shape[0] for layer in layers}
    return torch_pruning.pruner.BasePruner(
        model,
        inputs,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=share,
        # A little less than the share, so that what is left is not rounded down to one less.
        pruning_ratio_dict={layer: 1 - (left_of(width, share) + 0.01) / width for layer, width in widths.items()},
        ignored_layers=ignored,
        forward_fn=pruned.forward,
        output_transform=lambda output: next(iter(output.values())).sum(),
    )


def left_of(width: int, share: float) -> int:
    """How many of `width` channels or neurons are left without `share` of them: of as many as have room for it the
    nearest multiple of 16, or of 8, which is what processors compute at a time."""
    left = max(1, int(width * (1 - share)))
    step = next((step for step in STEPS if width >= 4 * step), 1)
    return min(width, max(step, step * round(width * (1 - share) / step))) if step > 1 else left


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
