"""What a model is for: a request in the task's own words to tensors, tensors to the answer.

A task is a class registered under the entry-point group `jupyter_modeldeploy.tasks` by its standard name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.datatypes import Tensors as Tensors
from jupyter_modeldeploy.signatures import Signature


class Task(Protocol):
    """Translates between people's words and tensors for the model in one folder. Stateless after construction
    and safe to call from several threads."""

    def __init__(self, folder: Path, signature: Signature) -> None:
        """Read what the task needs (tokenizer, label names) from the model's `folder`."""

    def parse(self, body: Any) -> list[Any]:
        """The items of a decoded JSON request (`{"text": …}`, `{"texts": […]}`), or InvalidInput."""

    def encode(self, items: list[Any]) -> Tensors:
        """The model's inputs for a batch of items; the first dimension is `len(items)`."""

    def decode(self, outputs: Tensors) -> list[Any]:
        """One JSON-ready answer per item."""


@runtime_checkable
class ReadsImages(Protocol):
    """A task of images, whose requests may be files as they are; larger ones than `max_image_pixels` are refused."""

    max_image_pixels: int

    def parse_files(self, body: bytes) -> list[Any]:
        """The items of a request's body, whatever its Content-Type says, or InvalidInput."""


@runtime_checkable
class LimitsTexts(Protocol):
    """A task of texts, which refuses those of more than `max_text_characters`."""

    max_text_characters: int


@runtime_checkable
class DecodesItems(Protocol):
    """A task whose answer depends on the item too (boxes are told in the image's own pixels)."""

    def decode_items(self, items: list[Any], outputs: Tensors) -> list[Any]:
        """One JSON-ready answer per item."""


@runtime_checkable
class Judgeable(Protocol):
    """A task whose answers can be held against labels. `class_names` are the model's classes by their number;
    `judged_as` names the kinds of problems it answers, as `judging` has them."""

    class_names: Sequence[str]
    judged_as: Sequence[str]

    def judged_answers(self, items: list[Any], outputs: Tensors) -> list[np.ndarray]:
        """One answer per item: logits float[classes]; or all that was found, however unlikely, as float[boxes, 6]: two
        corners as shares of the image's width and height, score and class, best first."""


def load(name: str, folder: Path, signature: Signature) -> Task:
    """The task `name` for the model in `folder`."""
    task: type[Task] = plugins.load("tasks", name)
    return task(folder, signature)
