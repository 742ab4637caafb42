"""YOLO checkpoints: pickled modules of the package ultralytics, and of YOLOv5 before it."""

from __future__ import annotations

from pathlib import Path

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats import torch_archive
from jupyter_modeldeploy.sources.formats.pickle_contents import Global, Made, parts
from jupyter_modeldeploy.sources.formats.recognised import Recognised

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
NOTE = (
    "A YOLO checkpoint is a pickle of ultralytics' own classes, which are not loaded here. With ultralytics, export it "
    "(yolo export model={name} format=onnx) and fetch the ONNX file."
)


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
        NOTE.format(name=path.name),
        framework="ultralytics" if named.module.startswith("ultralytics") else "yolov5",
        architecture=_network(state) or named.name,
    )


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
