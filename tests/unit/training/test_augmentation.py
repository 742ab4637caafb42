from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from jupyter_modeldeploy.training.augmentation import PRESETS, Variation

VARIED = ("light", "medium", "strong")


def gradient(mode: str = "RGB") -> Image.Image:
    """Dark on the left, light on the right."""
    return Image.fromarray(np.tile(np.linspace(30, 220, 40).astype(np.uint8), (24, 1))).convert(mode)


def of(preset: str) -> Variation:
    found = PRESETS[preset]  # type: ignore[index]
    assert found is not None
    return found


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("preset", VARIED)
def test_an_image_keeps_its_size_and_mode(preset: str, mode: str) -> None:
    for number in range(10):
        varied = of(preset)(gradient(mode), 0, 0, number)
        assert (varied.size, varied.mode) == ((40, 24), mode)


@pytest.mark.parametrize("preset", VARIED)
def test_what_becomes_of_it_depends_on_seed_epoch_and_number_alone(preset: str) -> None:
    vary = of(preset)
    same = [vary(gradient(), 3, 1, 2).tobytes() for _ in range(2)]
    assert same[0] == same[1]
    others = {vary(gradient(), *which).tobytes() for which in ((4, 1, 2), (3, 0, 2), (3, 1, 3))}
    assert len(others | {same[0]}) == 4


def mirrored(preset: str) -> int:
    made = [np.asarray(of(preset)(gradient("L"), 0, 0, number), np.int64) for number in range(60)]
    return sum(int(image[:, :15].mean() > image[:, -15:].mean()) for image in made)


def test_only_the_stronger_presets_mirror() -> None:
    assert mirrored("light") == 0
    assert 15 < mirrored("medium") < 45


def test_stronger_presets_change_more() -> None:
    plain = np.asarray(gradient(), np.float64)
    changes = [
        np.mean([np.abs(np.asarray(of(preset)(gradient(), 0, 0, n)) - plain).mean() for n in range(40)])
        for preset in VARIED
    ]
    assert changes[0] < changes[1] < changes[2]
    assert PRESETS["none"] is None
