"""Classification heads whose classes are in another order than the dataset's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from jupyter_modeldeploy.errors import InvalidInput


def align(model: PreTrainedModel, named: Any, classes: Sequence[str], in_head: Callable[[str], bool]) -> bool:
    """Put the outputs of the model's head, whose classes were `named` (id2label) as it was saved, into the order of
    `classes`. False where it was for other classes, or is of no known kind, and so is as it was."""
    if not isinstance(named, dict) or len(named) != len(classes):
        return False
    before = [str(named.get(number, named.get(str(number)))) for number in range(len(named))]
    if sorted(before) != sorted(classes):
        return False
    if before != list(classes):
        order = [before.index(name) for name in classes]
        layers = _outputs(model, len(classes), in_head)
        if not layers:
            return False
        with torch.no_grad():
            for layer in layers:
                layer.weight.copy_(layer.weight[order])
                if layer.bias is not None:
                    layer.bias.copy_(layer.bias[order])
    return True


def teaches_other_classes(named: Any, classes: Sequence[str]) -> InvalidInput:
    """What is wrong with a teacher."""
    known = ", ".join(map(str, named.values())) if isinstance(named, dict) else "none"
    return InvalidInput(
        f"The teacher knows the classes {known}; the dataset has {', '.join(classes)}.",
        "Fine-tune it on the dataset first.",
    )


def _outputs(model: PreTrainedModel, classes: int, in_head: Callable[[str], bool]) -> list[torch.nn.Linear]:
    """The layers of the head that give the logits."""
    return [
        module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == classes and in_head(f"{name}.weight")
    ]
