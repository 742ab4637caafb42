"""Fine-tune a YOLO detector of ultralytics on images with boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes import yolo_network
from jupyter_modeldeploy.runtimes.offline_ultralytics import get_cfg, non_max_suppression
from jupyter_modeldeploy.training import heads
from jupyter_modeldeploy.training.boxed_images import BoxRows, collate
from jupyter_modeldeploy.training.data import read
from jupyter_modeldeploy.training.defaults import AUGMENTATION, DETECTION_FROM_NOTHING, detection
from jupyter_modeldeploy.training.fit import fit
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import Problem
from jupyter_modeldeploy.training.run import Training

STRIDE = 32
SMALLEST = 64
WITHOUT_MOSAIC = 0.1
"""The share of the training at its end in which images are not joined to mosaics, as ultralytics has it."""
MIN_SCORE, MAX_OVERLAP, MAX_BOXES = 0.001, 0.7, 300
"""With which boxes the mean average precision is taken, as ultralytics has it."""
ANY_TIME = 1e6
RAW = ("scores", "boxes")
CLASS_GAIN, SIDES_GAIN = 0.5, 1.5
"""What the parts of ultralytics' loss weigh by default."""


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune the network in `training.base`, or train it from nothing where that is a description without weights.
    `out` gets a network as `yolo_network.save` writes it."""
    options, classes = training.options, training.dataset.classes
    if options.method == "lora":
        raise InvalidInput("LoRA is not for detectors: they have no linear layers.", "Choose the method full or head.")
    split, base = read(training), yolo_network.load(training.base)

    def make(plan: Plan) -> Problem:
        network = yolo_network.with_classes(base, classes, options.seed)
        teacher = _teacher(training.teaching.folder, classes) if training.teaching else None
        # A description says no size.
        size = _size(options, network if teacher is None or base.trained else teacher)
        model = Detector(network)
        last = f"network.model.{len(network.model.model) - 1}."
        plain_from = math.ceil(_epochs(plan, len(split.train)) * (1 - WITHOUT_MOSAIC))
        preset = options.augmentation or AUGMENTATION["object-detection"]
        problem = Problem(
            kind="detection",
            model=model,
            train=BoxRows(split.train, classes, size, preset, options.seed, plain_from),
            validation=BoxRows(split.validation, classes, size) if split.validation else None,
            test=BoxRows(split.test, classes, size),
            collate=collate,
            loss=lambda outputs, labels, items: outputs["losses"] / items,
            answers=found_boxes,
            save=lambda trained, out: _save(trained, list(classes), size, out),
            classes=classes,
            in_head=lambda name: name.startswith(last),
            workers=0 if training.device == "cpu" else min(8, devices.usable_cores()),
            text=lambda index: split.test[index].path.name,
            describe=lambda index, answer: _named(answer, classes),
            judged_at_a_time=16,
            distance=boxes_apart,
            rows_vary=True,
        )
        return problem if teacher is None else replace(problem, teacher=replace(problem, model=Detector(teacher)))

    return fit(training, detection(len(classes)) if base.trained else DETECTION_FROM_NOTHING, make)


class Detector(PreTrainedModel):  # type: ignore[no-untyped-call]
    """A YOLO network in the form that the core trains: it computes its own loss, since that is no function of one
    output and one label."""

    config_class = PretrainedConfig

    def __init__(self, network: yolo_network.Network) -> None:
        super().__init__(PretrainedConfig())
        self.network = network.model
        self.network.args = get_cfg()
        self._criterion: Any = None

    def forward(self, images: torch.Tensor, boxes: torch.Tensor) -> dict[str, torch.Tensor]:
        """`images` uint8[rows, 3, size, size], `boxes` float32[rows, boxes, 5] as `collate` makes them. Gives `losses`,
        the sum over the images, what the head says (`scores` [rows, classes, anchors] as logits and `boxes` [rows, 4 ×
        bins, anchors]), and, when not training, `decoded` float32[rows, 4 + classes, anchors]."""
        if self._criterion is None:
            self._criterion = self.network.init_criterion()
        answer = self.network(images.float() / 255)
        given = boxes[..., 0] >= 0
        wanted = {"batch_idx": given.nonzero()[:, 0], "cls": boxes[given][:, :1], "bboxes": boxes[given][:, 1:]}
        losses, _ = self._criterion(answer, wanted)
        raw = answer if self.training else answer[1]
        told = {"losses": losses.sum(), **{name: raw[name] for name in RAW if name in raw}}
        return told if self.training else {**told, "decoded": answer[0]}


def found_boxes(outputs: Any, labels: torch.Tensor) -> Sequence[np.ndarray]:
    """float32[boxes, 6] for each image: two corners in pixels of the square, score, class; best first."""
    found = non_max_suppression(
        outputs["decoded"].float(),
        MIN_SCORE,
        MAX_OVERLAP,
        multi_label=True,
        max_det=MAX_BOXES,
        max_time_img=ANY_TIME,  # it would leave images without boxes on a busy machine
    )
    return [boxes[:, :6].cpu().numpy() for boxes in found]


def boxes_apart(outputs: Any, said: Any, temperature: float) -> torch.Tensor:
    """How far what a detector's head says is from what its teacher's does, in the weights of ultralytics' own loss:
    each class's yes or no at each place, and, as far as the teacher is sure that there is something, the distributions
    over the bins of the four sides (Zheng et al. 2022, "Localization Distillation for Dense Object Detection")."""
    scores, wanted = (each["scores"].float() / temperature for each in (outputs, said))
    if scores.shape != wanted.shape or outputs["boxes"].shape != said["boxes"].shape:
        raise InvalidInput("Teacher and student see boxes in other places.", "Choose networks of the same family.")
    sure = said["scores"].float().sigmoid().amax(dim=1)
    far, least = (
        functional.binary_cross_entropy_with_logits(each, wanted.sigmoid(), reduction="sum")
        for each in (scores, wanted)
    )
    sides, taught = (_bins(each["boxes"], temperature) for each in (outputs, said))
    apart = functional.kl_div(sides, taught, reduction="none", log_target=True).sum(2).mean(1)
    weighed = CLASS_GAIN * (far - least) + SIDES_GAIN * (apart * sure).sum()
    told: torch.Tensor = weighed * temperature**2 / sure.sum().clamp(min=1) * len(scores)
    return told


def _bins(boxes: torch.Tensor, temperature: float) -> torch.Tensor:
    """Logarithms of probabilities [rows, 4, bins, anchors]."""
    rows, both, anchors = boxes.shape
    return functional.log_softmax(boxes.float().view(rows, 4, both // 4, anchors) / temperature, dim=2)


def _teacher(folder: Path, classes: Sequence[str]) -> yolo_network.Network:
    """The detector in `folder`, its classes in this order."""
    network = yolo_network.load(folder)
    if sorted(network.names) != sorted(classes) or not network.trained:
        raise heads.teaches_other_classes(dict(enumerate(network.names)), classes)
    order = [network.names.index(name) for name in classes]
    with torch.no_grad():
        for branch in network.model.model[-1].cv3:
            last = branch[-1]
            last.weight.copy_(last.weight[order])
            last.bias.copy_(last.bias[order])
    return network


def _epochs(plan: Plan, rows: int) -> float:
    if plan.options.max_steps is None:
        return plan.epochs
    return plan.options.max_steps / max(1, math.ceil(rows / plan.batch_size))


def _size(options: FinetuneOptions, network: yolo_network.Network) -> int:
    size = options.image_size or network.image_size
    if size % STRIDE or size < SMALLEST:
        raise InvalidInput(
            f"Images of {size} pixels do not go through a YOLO network.", f"Choose a multiple of {STRIDE}: 320, 640 …"
        )
    return size


def _save(trained: Any, classes: list[str], size: int, out: Path) -> None:
    trained.network.float().eval()
    yolo_network.save(yolo_network.Network(trained.network, classes, size, trained=True), out)


def _named(answer: np.ndarray, classes: Sequence[str]) -> str:
    likely = [f"{classes[int(box[5])]} {box[4]:.2f}" for box in answer if box[4] >= 0.25][:5]
    return ", ".join(likely) or "nothing"
