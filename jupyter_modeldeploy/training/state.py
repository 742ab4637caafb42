"""The state of a training in files that hold no pickles: safetensors and JSON.

The Trainer writes optimizer.pt, scheduler.pt and rng_state.pth, which are pickles. Here a checkpoint is
model.safetensors (what is trained, and buffers), optimizer.safetensors, rng.safetensors and state.json (all that is no
tensor)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

WEIGHTS, OPTIMIZER, RNG, REST = "model.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json"
Facts = dict[str, Any]
Tensors = dict[str, torch.Tensor]


def save(folder: Path, model: torch.nn.Module, optimizer: Any, scheduler: Any, scaler: Any, **more: Any) -> None:
    """Write all that a training needs to go on; `more` (JSON) is given back by `load`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / WEIGHTS, model)
    tensors, facts = _split_optimizer(optimizer.state_dict())
    save_file(_plain(tensors), folder / OPTIMIZER)
    generators, words = _random_state()
    save_file(generators, folder / RNG)
    rest = {
        "optimizer": facts,
        "scheduler": scheduler.state_dict(),
        "scaler": scaler.state_dict() if scaler is not None else None,
        "random": words,
        "more": more,
    }
    (folder / REST).write_text(json.dumps(rest))


def save_weights(path: Path, model: torch.nn.Module) -> None:
    """Write what is trained, and the buffers that the model keeps."""
    save_file(_plain(_trained(model)), path, metadata={"format": "pt"})


def load_weights(folder: Path, model: torch.nn.Module) -> None:
    """Put the checkpoint's weights into the model that it was made from."""
    load_weights_file(folder / WEIGHTS, model)


def load_weights_file(path: Path, model: torch.nn.Module) -> None:
    """Put what `save_weights` wrote into the model that it was made from."""
    stored = load_file(path)
    with torch.no_grad():
        for name, tensor in _trained(model).items():
            tensor.copy_(stored[name])


def load(folder: Path, optimizer: Any, scheduler: Any, scaler: Any) -> Facts:
    """Put the checkpoint's state into them, and give back what more was saved."""
    rest: Facts = json.loads((folder / REST).read_text())
    optimizer.load_state_dict(_joined_optimizer(load_file(folder / OPTIMIZER), rest["optimizer"]))
    scheduler.load_state_dict(rest["scheduler"])
    if scaler is not None and rest["scaler"]:
        scaler.load_state_dict(rest["scaler"])
    more: Facts = rest["more"]
    return more


def load_random_state(folder: Path) -> None:
    """Let all generators of random numbers go on where they were."""
    words: Facts = json.loads((folder / REST).read_text())["random"]
    tensors = load_file(folder / RNG)
    version, numbers, gauss = words["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, position, has_gauss, cached = words["numpy"]
    np.random.set_state((name, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, cached))
    torch.random.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.random.set_rng_state(tensors["cuda"])


def _trained(model: torch.nn.Module) -> Tensors:
    """The parameters that are trained and the buffers that a model keeps; shared ones once."""
    tensors: Tensors = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    kept = model.state_dict(keep_vars=True).keys()
    return {**tensors, **{name: buffer for name, buffer in model.named_buffers() if name in kept}}


def _plain(tensors: Tensors) -> Tensors:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _split_optimizer(state: Facts) -> tuple[Tensors, Facts]:
    tensors: Tensors = {}
    facts: dict[str, Facts] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{name}"] = value
            else:
                facts.setdefault(str(index), {})[name] = value
    return tensors, {"state": facts, "param_groups": state["param_groups"]}


def _joined_optimizer(tensors: Tensors, facts: Facts) -> Facts:
    state: dict[int, Facts] = {int(index): dict(values) for index, values in facts["state"].items()}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": facts["param_groups"]}


def _random_state() -> tuple[Tensors, Facts]:
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    tensors = {"cpu": torch.random.get_rng_state(), "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64))}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.random.get_rng_state()
    return tensors, {"python": random.getstate(), "numpy": [name, position, has_gauss, cached]}
