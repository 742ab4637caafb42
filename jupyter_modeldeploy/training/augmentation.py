"""Images varied as they are learnt from, by named presets.

What becomes of an image depends on the seed, the epoch and the image's number alone, so a training that is resumed sees
what it would have seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from jupyter_modeldeploy.training.options import Augmentation

BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Variation:
    """How far an image may be varied. `turn` is in degrees to either side, `shift` in shares of the sides, `zoom` the
    largest factor to either side, `colour` the largest change of brightness, contrast and saturation as a share;
    `mirror`, `grey` and `erase` are the shares of images that are mirrored left to right, lose their colours, and lose
    a rectangle of 2 to 20 % of their area."""

    turn: float
    shift: float
    zoom: float
    colour: float
    mirror: float = 0.0
    grey: float = 0.0
    erase: float = 0.0

    def __call__(self, picture: Image.Image, seed: int, epoch: int, number: int) -> Image.Image:
        """The picture (RGB or L), varied, of its size; what moves in from outside is its mean colour."""
        random = np.random.default_rng((seed, epoch, number))
        mean = tuple(int(value) for value in np.asarray(picture.resize((1, 1), Image.Resampling.BOX)).reshape(-1))
        picture = self._moved(picture, random, mean)
        if random.random() < self.mirror:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            factor = 1 + random.uniform(-self.colour, self.colour)
            if enhance is not ImageEnhance.Color or picture.mode == "RGB":
                picture = enhance(picture).enhance(factor)
        if random.random() < self.grey and picture.mode == "RGB":
            picture = picture.convert("L").convert("RGB")
        if random.random() < self.erase:
            picture.paste(mean, _rectangle(picture.size, random))
        return picture

    def _moved(self, picture: Image.Image, random: np.random.Generator, fill: tuple[int, ...]) -> Image.Image:
        """Turned about its middle, zoomed and shifted, in one resampling."""
        angle = math.radians(random.uniform(-self.turn, self.turn))
        zoom = math.exp(random.uniform(-1, 1) * math.log(self.zoom))
        width, height = picture.size
        x, y = random.uniform(-self.shift, self.shift, 2) * (width, height)
        cosine, sine = math.cos(angle) / zoom, math.sin(angle) / zoom
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        from_x, from_y = middle_x + x, middle_y + y
        # Pillow wants where each pixel comes from.
        place = (
            *(cosine, sine, middle_x - cosine * from_x - sine * from_y),
            *(-sine, cosine, middle_y + sine * from_x - cosine * from_y),
        )
        return picture.transform(
            picture.size, Image.Transform.AFFINE, place, BILINEAR, fillcolor=fill if len(fill) > 1 else fill[0]
        )


PRESETS: dict[Augmentation, Variation | None] = {
    "none": None,
    "light": Variation(turn=8, shift=0.06, zoom=1.1, colour=0.1),
    "medium": Variation(turn=12, shift=0.1, zoom=1.25, colour=0.25, mirror=0.5, erase=0.1),
    "strong": Variation(turn=20, shift=0.15, zoom=1.6, colour=0.5, mirror=0.5, grey=0.1, erase=0.3),
}
"""Only `light` suits what reads from left to right (digits, signs, writing): the stronger ones mirror."""


def _rectangle(size: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int, int]:
    width, height = size
    share, elongation = random.uniform(0.02, 0.2), math.exp(random.uniform(-1, 1) * math.log(2))
    wide = max(1, min(width, round(width * math.sqrt(share * elongation))))
    high = max(1, min(height, round(height * math.sqrt(share / elongation))))
    left, top = int(random.integers(width - wide + 1)), int(random.integers(height - high + 1))
    return left, top, left + wide, top + high
