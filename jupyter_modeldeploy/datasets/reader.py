"""What reads the data of one task, and the words it speaks in.

Readers are plugins of the group `jupyter_modeldeploy.datasets` by the name of their task."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import DataReport, Dataset, SplitName

Form = Literal["csv", "jsonl", "imagefolder", "yolo"]


class Example(NamedTuple):
    """A text and the index of its class in `dataset.classes`."""

    text: str
    label: int


class MultiLabelExample(NamedTuple):
    """A text and the indices of its classes in `dataset.classes`, rising; there may be none."""

    text: str
    labels: tuple[int, ...]


class TaggedWords(NamedTuple):
    """The words of a sentence and the index of each one's tag in `dataset.classes`."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


class LabelledImage(NamedTuple):
    """An image file and the index of its class in `dataset.classes`."""

    path: Path
    label: int


class Box(NamedTuple):
    """A box: the index of its class, its centre and its size as shares (0 to 1) of the image's width and height."""

    label: int
    x: float
    y: float
    width: float
    height: float


class BoxedImage(NamedTuple):
    """An image file and the boxes in it; there may be none."""

    path: Path
    boxes: tuple[Box, ...]


class Passage(NamedTuple):
    """A text to go on with. Only `text` is learned; `prompt` stands before it and is empty for plain text."""

    text: str
    prompt: str = ""


E = TypeVar("E")


@dataclass(frozen=True)
class Split(Generic[E]):
    """The examples to learn from, those to choose by while learning (there may be none), and those held out to the end,
    each in the order of the files."""

    train: list[E]
    validation: list[E] = field(default_factory=list)
    test: list[E] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """What somebody said about the data that comes in; None leaves it to the reader."""

    text_column: str | None = None
    label_column: str | None = None
    multi_label: bool | None = None
    test_share: float = 0.2
    validation_share: float = 0.0
    seed: int = 0


AS_FOUND = Wanted()
"""Nothing is said: columns are guessed, a fifth is held out."""


@dataclass(frozen=True)
class Inspected:
    """What checked data holds: the fields of a `Dataset` that the data itself tells."""

    format: Form
    classes: list[str]
    rows: int
    splits: dict[SplitName, int]
    report: DataReport
    text_column: str | None = None
    label_column: str | None = None
    multi_label: bool = False


@dataclass(frozen=True)
class Prepared:
    """What `prepare` put into place: the file or folder to inspect. `origins` are the file and line that each row of a
    joined table came from; `warnings` what was left out on the way."""

    path: Path
    origins: tuple[tuple[str, int], ...] = ()
    warnings: tuple[str, ...] = ()

    def told(self, error: InvalidInput) -> InvalidInput:
        """The error in the words of the files that came in: `Row 7 of test.csv: …`."""
        found = re.match(r"Row (\d+)(?=:)", error.message)
        if found is None or not 0 < int(found[1]) <= len(self.origins):
            return error
        file, line = self.origins[int(found[1]) - 1]
        return InvalidInput(f"Row {line} of {file}{error.message[found.end() :]}", error.hint)


@dataclass(frozen=True)
class Reader:
    """`prepare(found, stored, wanted)` brings what was fetched (a file or a folder) into the empty folder `stored`, in
    one of the four forms; it may move files out of `found`. `inspect(path, wanted)` checks every example
    and raises InvalidInput that names the row or the file. `read(path, dataset)` gives the split of what is stored;
    `path` is the dataset's folder, or the file of a table."""

    prepare: Callable[[Path, Path, Wanted], Prepared]
    inspect: Callable[[Path, Wanted], Inspected]
    read: Callable[[Path, Dataset], Split[Any]]
