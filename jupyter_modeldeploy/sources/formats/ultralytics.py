"""YOLO networks: pickled modules of the package ultralytics, and of YOLOv5 before it; descriptions of networks, alone
or with weights as fine-tuning writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats import safetensors_file, torch_archive
from jupyter_modeldeploy.sources.formats.bounded import beginning, json_object
from jupyter_modeldeploy.sources.formats.pickle_contents import Global, Made, parts
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.formats.tasks import CONFIG, classes_of
from jupyter_modeldeploy.sources.formats.weights import Weights

MODULES = ("ultralytics.nn.", "ultralytics.models.", "models.yolo")
TASKS = {
    "DetectionModel": "object-detection",
    "RTDETRDetectionModel": "object-detection",
    "WorldModel": "object-detection",
    "YOLOEModel": "object-detection",
    "Model": "object-detection",  # of YOLOv5
    "SegmentationModel": "image-segmentation",
    "YOLOESegModel": "image-segmentation",
    "ClassificationModel": "image-classification",
    "PoseModel": "keypoint-detection",
    "OBBModel": "oriented-object-detection",
}
MAX_CLASSES = 100_000
DETECTION = "object-detection"
NETWORK, WEIGHTS = "network.yaml", "model.safetensors"
NOTE = (
    "A YOLO checkpoint is a pickle of ultralytics' own classes; of this task it is not loaded here. With ultralytics, "
    "export it (yolo export model={name} format=onnx) and fetch the ONNX file."
)
EXTRA = "The extra [vision] is needed: pip install 'jupyter_modeldeploy[vision]' (ultralytics, under the AGPL-3.0)."
UNTRAINED = "The description of a network without weights, which has learnt nothing: fine-tune it."
MAX_DESCRIPTION = 1 << 18


def recognise(path: Path) -> Recognised | None:
    """What a file of PyTorch is, where its classes are those of YOLO: the task by the class of its model, the class
    names and the name of the network by what it keeps of them."""
    program = torch_archive.program(path)
    named = next((one for one in program.globals if one.module.startswith(MODULES) and one.name in TASKS), None)
    if named is None:
        return None
    states = [one.state for one in parts(program.value) if isinstance(one, Made) and _is(one.by, named)]
    state = next((state for state in states if isinstance(state, dict)), {})
    return Recognised(
        Format.ultralytics,
        TASKS[named.name],
        None,
        _names(state.get("names")),
        path,
        EXTRA if TASKS[named.name] == DETECTION else NOTE.format(name=path.name),
        framework="ultralytics" if named.module.startswith("ultralytics") else "yolov5",
        architecture=_network(state) or named.name,
    )


def described(folder: Path) -> Recognised | None:
    """A network that a YAML file describes: `network.yaml` beside model.safetensors as fine-tuning writes it, or one
    file as ultralytics has them (yolo11n.yaml), without weights."""
    if (folder / NETWORK).is_file() and (folder / WEIGHTS).is_file():
        config = json_object(folder / CONFIG) if (folder / CONFIG).is_file() else {}
        layers = _layers(folder / NETWORK) or {}
        return _detector(folder / WEIGHTS, layers, EXTRA, classes_of(config, DETECTION))
    for path in (*sorted(folder.glob("*.yaml")), *sorted(folder.glob("*.yml"))):
        if (found := _layers(path)) is not None:
            return _detector(path, {"yaml_file": path.name, **found}, f"{UNTRAINED} {EXTRA}", None)
    return None


def weights(recognised: Recognised) -> Weights | None:
    """The network's parameters; None for a description without them."""
    match recognised.primary.suffix:
        case ".safetensors":
            return safetensors_file.count([recognised.primary])
        case ".yaml" | ".yml":
            return None
    return torch_archive.count([recognised.primary])


def _detector(primary: Path, layers: dict[str, Any], note: str, classes: list[str] | None) -> Recognised:
    made = _network({"yaml": layers})
    return Recognised(
        Format.ultralytics, DETECTION, None, classes, primary, note, framework="ultralytics", architecture=made
    )


def _layers(path: Path) -> dict[str, Any] | None:
    """The description of a network's layers, if the file is one. Raises InvalidInput for what only looks like one."""
    text = beginning(path, MAX_DESCRIPTION + 1)
    if len(text) > MAX_DESCRIPTION or not (b"backbone:" in text and b"head:" in text):
        return None
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{path.name} is not YAML: {error}.", "Download it again.") from error
    return found if isinstance(found, dict) and {"backbone", "head"} <= found.keys() else None


def _is(by: object, named: Global) -> bool:
    return isinstance(by, Global) and (by.module, by.name) == (named.module, named.name)


def _names(names: object) -> list[str] | None:
    if isinstance(names, dict) and 0 < len(names) <= MAX_CLASSES and all(isinstance(key, int) for key in names):
        return [str(name) for _, name in sorted(names.items())]
    return [str(name) for name in names] if isinstance(names, list) and 0 < len(names) <= MAX_CLASSES else None


def _network(state: dict[object, object]) -> str | None:
    """`yolo11n` of the file that describes the network's layers."""
    layers = state.get("yaml")
    described = layers.get("yaml_file") if isinstance(layers, dict) else None
    return Path(described).stem if isinstance(described, str) and described else None
