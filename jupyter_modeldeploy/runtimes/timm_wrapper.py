"""Configurations of timm's checkpoints, as transformers' wrapper of them takes them.

What the files say goes to timm as arguments, some of which would make it load other files or ask the network: a name
that timm knows is all that it gets from them, with arguments of the network itself."""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from typing import Any

from transformers import PretrainedConfig, PreTrainedModel

from jupyter_modeldeploy.errors import InvalidInput, Unavailable

TYPE = "timm_wrapper"
SAID_OTHERWISE = frozenset(("num_classes", "in_chans", "img_size"))


def prepare(config: PretrainedConfig, image_size: int | None = None) -> None:
    """Give the configuration the fields that other image classifiers have: `image_size` (`image_size`, else what the
    network was trained with) and `num_channels`, and leave of its `model_args` what describes the network.

    Raises InvalidInput for an architecture that timm does not have, arguments that are none of a network, and a size
    that the network does not take, and Unavailable without timm."""
    _check(config)
    pretrained: dict[str, Any] = config.pretrained_cfg
    arguments = dict(config.model_args or {})
    channels, *sides = pretrained.get("input_size") or (3, 224, 224)
    channels = arguments.get("in_chans", channels)
    if image_size is not None:
        if pretrained.get("fixed_input_size") and sides != [image_size, image_size]:
            raise InvalidInput(
                f"{config.architecture} takes images of {sides[0]} × {sides[1]} pixels alone.", "Leave out image_size."
            )
        sides = [image_size, image_size]
    config.num_channels, config.image_size = channels, sides[0] if sides[0] == sides[1] else sides
    config.pretrained_cfg = {**pretrained, "input_size": [channels, *sides]}
    config.model_args = {name: value for name, value in arguments.items() if name not in SAID_OTHERWISE}
    if channels != 3:
        config.model_args["in_chans"] = channels
    if pretrained.get("fixed_input_size"):
        config.model_args["img_size"] = config.image_size
    for name in ("label_names", "label_descriptions"):  # the wrapper would save them, whatever id2label says by then
        if hasattr(config, name):
            delattr(config, name)


def head_of(model: PreTrainedModel) -> tuple[str, ...]:
    """The beginnings of the names of the parameters of the head, or heads."""
    wrapped: Any = model.timm_model
    named = wrapped.pretrained_cfg.get("classifier") or ()
    return tuple(f"timm_model.{name}." for name in ((named,) if isinstance(named, str) else named))


def _check(config: PretrainedConfig) -> None:
    if find_spec("timm") is None:
        raise Unavailable("timm is not installed.", "pip install 'jupyter_modeldeploy[timm]'")
    import timm

    if not timm.is_model(config.architecture):
        raise InvalidInput(
            f"timm {timm.__version__} has no network {config.architecture!r}.", "A newer timm may have it."
        )
    loading = inspect.signature(timm.create_model).parameters.keys()
    if wrong := sorted(loading & (config.model_args or {}).keys()):
        raise InvalidInput(
            f"model_args in config.json say {', '.join(wrong)}, which describe no network.", "Take them out of it."
        )
