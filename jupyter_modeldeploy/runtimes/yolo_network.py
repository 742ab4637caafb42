"""YOLO networks of ultralytics: from files to a module of torch, without network and without running code of the files.

A version in the format `ultralytics` is one of three:

- `network.yaml`, `model.safetensors` and `config.json` (class names, image size): what is written here;
- one `.pt` of ultralytics, a pickle, of which only ultralytics' and torch's own classes are made;
- one `.yaml` that describes a network and has no weights: a start from nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes.offline_ultralytics import check_safe, tasks

NETWORK, WEIGHTS, CONFIG = "network.yaml", "model.safetensors", "config.json"
DEFAULT_SIZE = 640
SIZE_IN_NAME = re.compile(r"yolo[a-z-]*\d+([nslmx])")
UNUSABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, AssertionError, IndexError)


@dataclass(frozen=True)
class Network:
    """A detector: `model` in float32 and evaluation mode, whose output is `float32[batch, 4 + classes, anchors]`; the
    names of its classes; the side of the square images that it was trained with. `trained` says whether it has weights
    or was drawn at random."""

    model: Any
    names: list[str]
    image_size: int
    trained: bool


def load(folder: Path) -> Network:
    """The network in `folder`. Raises InvalidInput where it is none, is damaged or does anything but find boxes, and
    Unavailable where ultralytics is too old to load it safely."""
    check_safe()
    try:
        if (folder / NETWORK).is_file():
            return _saved(folder)
        if found := sorted(folder.glob("*.pt")):
            return _pickled(found[0])
        if found := [*sorted(folder.glob("*.yaml")), *sorted(folder.glob("*.yml"))]:
            return _described(found[0])
    except (*UNUSABLE, SafetensorError, yaml.YAMLError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(
            f"{folder.name} is no YOLO network that can be used: {_short(error)}",
            "Fetch a detector of ultralytics (yolo11n.pt) or the description of one (yolo11n.yaml).",
        ) from error
    raise InvalidInput(f"{folder.name} holds no YOLO network.", "It needs a .pt or a .yaml of ultralytics.")


def save(network: Network, folder: Path) -> None:
    """Write the network to `folder`, without pickles."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {**network.model.yaml, "nc": len(network.names)}
    if "yaml_file" in described:
        described["yaml_file"] = Path(described["yaml_file"]).name
    (folder / NETWORK).write_text(yaml.safe_dump(json.loads(json.dumps(described)), sort_keys=False))
    weights = {name: value.detach().cpu().contiguous().clone() for name, value in network.model.state_dict().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    save_config(network, folder)


def save_config(network: Network, folder: Path) -> None:
    """Write config.json: what the task object-detection reads the names of the classes from."""
    names = dict(enumerate(network.names))
    config = {"id2label": names, "image_size": network.image_size, "framework": "ultralytics"}
    (folder / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def with_classes(network: Network, names: Sequence[str], seed: int) -> Network:
    """A network of the same kind for the classes `names`, with all weights of `network` that fit; what does not fit is
    drawn by `seed`."""
    torch.manual_seed(seed)
    model = _build(network.model.yaml, names)
    if network.trained:
        model.load(network.model, verbose=False)
    return Network(_ready(model, names), list(names), network.image_size, network.trained)


def _saved(folder: Path) -> Network:
    described = yaml.safe_load((folder / NETWORK).read_text("utf-8"))
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    names = [str(name) for _, name in sorted(config["id2label"].items(), key=lambda item: int(item[0]))]
    model = _build(described, names)
    model.load_state_dict(load_file(folder / WEIGHTS))
    return Network(_ready(model, names), names, int(config.get("image_size", DEFAULT_SIZE)), trained=True)


def _pickled(path: Path) -> Network:
    model, checkpoint = tasks.load_checkpoint(path)
    if type(model) is not tasks.DetectionModel:
        raise InvalidInput(f"{path.name} is a {type(model).__name__}, which does not find boxes.", "Fetch a detector.")
    named = dict(enumerate(model.names)) if isinstance(model.names, list) else dict(model.names)
    names = [str(name) for _, name in sorted(named.items())]
    size = checkpoint.get("train_args", {}).get("imgsz") or DEFAULT_SIZE
    return Network(_ready(model, names), names, int(size if isinstance(size, int) else max(size)), trained=True)


def _described(path: Path) -> Network:
    described = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(described, dict) or not {"backbone", "head"} <= described.keys():
        raise InvalidInput(f"{path.name} describes no network.", "It needs a backbone and a head, as yolo11.yaml has.")
    scales = described.get("scales")
    named = SIZE_IN_NAME.search(path.stem)
    if scales and "scale" not in described:
        described["scale"] = named.group(1) if named and named.group(1) in scales else next(iter(scales))
    described["yaml_file"] = path.name
    count = int(described.get("nc", 80))
    names = [f"class {number}" for number in range(count)]
    return Network(_ready(_build(described, names), names), names, DEFAULT_SIZE, trained=False)


def _build(described: dict[str, Any], names: Sequence[str]) -> Any:
    return tasks.DetectionModel({**described, "nc": len(names)}, verbose=False)


def _ready(model: Any, names: Sequence[str]) -> Any:
    model.names = dict(enumerate(names))
    model.end2end = False  # boxes are told apart by whoever serves it, with a threshold that can be chosen
    return model.float().eval()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
