"""Outputs that are wanted otherwise than as they are: their highest values, or in shared memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput, shown
from jupyter_modeldeploy.serving.protocols.raw import to_raw
from jupyter_modeldeploy.serving.protocols.triton.classification import classified
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import Regions, require_number

REGION, OFFSET, SIZE = "shared_memory_region", "shared_memory_offset", "shared_memory_byte_size"
CLASSES = "classification"


class Place:
    """A part of a region, as the parameters of a tensor name it. Raises InvalidInput, NotFound, TooLarge."""

    __slots__ = ("_regions", "name", "offset", "size")

    def __init__(self, parameters: Mapping[str, Any], regions: Regions) -> None:
        name = parameters[REGION]
        if not isinstance(name, str):
            raise InvalidInput(f"{REGION} must be a string, not {shown(name)}.")
        self.name = name
        self.offset = require_number(parameters.get(OFFSET, 0), OFFSET, least=0)
        self.size = require_number(parameters.get(SIZE), SIZE, least=0)
        self._regions = regions
        regions.part(name, self.offset, self.size)

    def read(self) -> bytes:
        """What is there. Raises InvalidInput."""
        return self._regions.read(self.name, self.offset, self.size)

    def write(self, array: np.ndarray) -> dict[str, Any]:
        """Put the tensor there; what its description says of it. Raises InvalidInput where it does not fit."""
        content = to_raw(array)
        if len(content) > self.size:
            raise InvalidInput(
                f"An output has {len(content)} bytes; {self.size} were given for it in {shown(self.name)}.",
                f"Let {SIZE} be larger.",
            )
        self._regions.write(self.name, self.offset, content)
        where = {OFFSET: self.offset} if self.offset else {}
        return {REGION: self.name, SIZE: len(content), **where}


class Wanted:
    """An output with such parameters."""

    __slots__ = ("classes", "place")

    def __init__(self, classes: int | None, place: Place | None) -> None:
        self.classes = classes
        self.place = place

    def classified(self, array: np.ndarray, labels: Mapping[int, str]) -> np.ndarray:
        """The output itself, or its highest values."""
        return array if self.classes is None else classified(array, self.classes, labels)


def wanted(parameters: Mapping[str, Any], regions: Regions | None) -> Wanted | None:
    """None for an output that is wanted as it is. Raises InvalidInput."""
    classes, region = parameters.get(CLASSES), parameters.get(REGION)
    if classes is None and region is None:
        return None
    if classes is not None:
        classes = require_number(classes, CLASSES, least=1)
    return Wanted(classes, None if region is None else place(parameters, regions))


def place(parameters: Mapping[str, Any], regions: Regions | None) -> Place:
    """The part of a region that a tensor is in. Raises InvalidInput, NotFound, TooLarge."""
    if regions is None:
        raise InvalidInput("Shared memory is not supported here.", "Send the tensor as JSON or as binary data.")
    return Place(parameters, regions)
