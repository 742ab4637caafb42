"""Whole layers: a shallower network with the weights of layers that are evenly spread over the deeper one, as
DistilBERT was begun (Sanh et al. 2019)."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PretrainedConfig, PreTrainedModel

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.folders import building, copy_side_files
from jupyter_modeldeploy.runtimes import timm_wrapper
from jupyter_modeldeploy.runtimes.transformers import PRUNED, configuration, load_model, save_checkpoint

LISTS = (torch.nn.ModuleList, torch.nn.Sequential)


def depth(folder: Path) -> int:
    """How many layers the transformers checkpoint in `folder` has, of networks in stages those of all together.
    Raises InvalidInput where its configuration does not say so."""
    return sum(_depths(configuration(folder)))


def fewest(folder: Path) -> int:
    """The fewest layers that `shorten` can leave: one of each stage."""
    return len(_depths(configuration(folder)))


def shorten(folder: Path, out: Path, layers: int) -> Path:
    """Write the transformers checkpoint in `folder` to `out` with only `layers` of its layers; gives `out`, which may
    hold what an earlier call wrote.

    The first and the last layer stay, with those evenly spread between them; all else is as it was. Networks in stages
    (ResNet, ConvNeXt, Swin) keep as large a share of each. The result answers worse until it has been trained.

    Raises InvalidInput for an unusable checkpoint, one that says no number of layers, and a number that is not smaller
    or leaves a stage without any; then `out` is not written."""
    if out.exists():
        return out
    before = _depths(configuration(folder))
    if (folder / PRUNED).exists():
        raise InvalidInput("The network lacks channels already.", "Take a share of its width, not its layers.")
    if not len(before) <= layers < sum(before):
        raise InvalidInput(
            f"The network has {sum(before)} layers in {len(before)} stages; {layers} cannot be left of them.",
            f"Choose {len(before)} to {sum(before) - 1}, or take a share of its width.",
        )
    after = _fewer(before, layers)
    deep = load_model(folder).model
    shallow = _shallow(deep, before, after)
    with building(out) as partial:
        copy_side_files(folder, partial)
        save_checkpoint(shallow, partial)
    return out


def chosen(before: int, after: int) -> list[int]:
    """Which of `before` layers stay: the first, the last, and what is evenly spread between them."""
    if after == 1:
        return [0]
    return [round(place * (before - 1) / (after - 1)) for place in range(after)]


def _depths(config: PretrainedConfig) -> list[int]:
    """The layers of each stage; a network without stages is one."""
    if config.model_type == timm_wrapper.TYPE:
        raise InvalidInput("A network of timm has the layers that its name says.", "Name a smaller one as the student.")
    found = getattr(config, "depths", None)
    if isinstance(found, (list, tuple)) and found and all(isinstance(each, int) for each in found):
        return list(found)
    layers = getattr(config, "num_hidden_layers", None)
    if not isinstance(layers, int):
        raise InvalidInput(
            f"The configuration of {config.model_type} does not say how many layers it has.",
            "Name a smaller model as the student.",
        )
    return [layers]


def _fewer(before: Sequence[int], layers: int) -> list[int]:
    """`layers` divided over stages, each with at least one and in proportion to what it has: the next one goes to the
    stage that has the smallest share of its own."""
    after = [1] * len(before)
    while sum(after) < layers:
        open_stages = [stage for stage in range(len(before)) if after[stage] < before[stage]]
        after[min(open_stages, key=lambda stage: after[stage] / before[stage])] += 1
    return after


def _shallow(deep: PreTrainedModel, before: Sequence[int], after: Sequence[int]) -> PreTrainedModel:
    config = copy.deepcopy(deep.config)
    if len(before) > 1 or isinstance(getattr(config, "depths", None), (list, tuple)):
        config.depths = list(after)
    else:
        kept = chosen(before[0], after[0])
        for name, value in config.to_dict().items():  # what is said for each layer, such as its kind of attention
            if isinstance(value, list) and len(value) == before[0] and name.startswith("layer"):
                setattr(config, name, [value[layer] for layer in kept])
        config.num_hidden_layers = after[0]
    torch.manual_seed(0)
    shallow: PreTrainedModel = type(deep)(config)
    stored, lists = deep.state_dict(), _shortened(deep, shallow)
    wanted = shallow.state_dict()
    known = {name: stored.get(_renamed(name, lists)) for name in wanted}
    fitting = {name: one for name, one in known.items() if one is not None and one.shape == wanted[name].shape}
    shallow.load_state_dict(fitting, strict=False)
    return shallow


def _shortened(deep: PreTrainedModel, shallow: PreTrainedModel) -> dict[str, list[int]]:
    """The lists of modules that are shorter now, each with which of its former members are its members."""
    former: Mapping[str, Any] = dict(deep.named_modules())
    return {
        name: chosen(len(former[name]), len(module))
        for name, module in shallow.named_modules()
        if isinstance(module, LISTS) and name in former and 0 < len(module) < len(former[name])
    }


def _renamed(name: str, lists: Mapping[str, Sequence[int]]) -> str:
    """The name that a weight has in the deeper network."""
    for place, kept in lists.items():
        if found := re.match(rf"{re.escape(place)}\.(\d+)\.(.*)", name):
            name = f"{place}.{kept[int(found[1])]}.{found[2]}"
    return name
