"""Images to a model's input, as `preprocessor_config.json` of transformers says: resize, crop, rescale, normalise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jupyter_modeldeploy.datatypes import NUMPY
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.signatures import Signature, TensorSpec

CONFIG = "preprocessor_config.json"
DEFAULT_SIDE = 224
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BILINEAR = Image.Resampling.BILINEAR
TIMM_CROP = 0.875
TIMM_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
MAX_ELONGATION = 200
"""How many times as long as wide an image may be, whose shorter side is resized to the model's."""


def described(folder: Path) -> dict[str, Any]:
    """`preprocessor_config.json`, else the same of what timm keeps in config.json, else nothing."""
    pretrained = read_json(folder / "config.json").get("pretrained_cfg")
    return read_json(folder / CONFIG) or (_of_timm(pretrained) if isinstance(pretrained, dict) else {})


class ImageInput:
    """The model's one input of images: which of its dimensions are channels, height and width (-1: any).

    Raises InvalidInput where the signature has no `[batch, channels, height, width]` or `[batch, height, width,
    channels]` of 1 or 3 channels as its only input."""

    def __init__(self, signature: Signature) -> None:
        spec = signature.inputs[0]
        channels_first = len(spec.shape) == 4 and spec.shape[1] in (-1, 1, 3)
        channels_last = len(spec.shape) == 4 and spec.shape[3] in (1, 3) and spec.shape[1] not in (1, 3)
        if len(signature.inputs) != 1 or not (channels_first or channels_last):
            raise InvalidInput(
                f"The model takes {[(one.name, one.shape) for one in signature.inputs]}, which is no image.",
                "An image task needs one input [batch, 3, height, width]; the task tensor takes anything.",
            )
        self.name = spec.name
        self.dtype = NUMPY[spec.dtype]
        self.channels_first = not channels_last
        self.mode = "L" if self._sizes(spec)[0] == 1 else "RGB"
        _, self.height, self.width = self._sizes(spec)

    def tensor(self, pixels: np.ndarray) -> np.ndarray:
        """`[batch, height, width, channels]` in the order and the datatype of the model."""
        ordered = pixels.transpose(0, 3, 1, 2) if self.channels_first else pixels
        return np.ascontiguousarray(ordered, dtype=self.dtype)

    def _sizes(self, spec: TensorSpec) -> tuple[int, int, int]:
        if self.channels_first:
            return spec.shape[1], spec.shape[2], spec.shape[3]
        return spec.shape[3], spec.shape[1], spec.shape[2]


class Preprocessor:
    """Pictures of any size as the model's input tensor.

    Without `preprocessor_config.json` pictures are stretched to the model's size (224 where that is free) and scaled to
    0…1; colours are then normalised by ImageNet's mean and deviation. A model that takes UINT8 gets plain pixels."""

    def __init__(self, folder: Path, signature: Signature) -> None:
        self.input = ImageInput(signature)
        config = described(folder) or self._default()
        self._resize = config.get("size") if config.get("do_resize", True) else None
        self._resample = Image.Resampling(int(config.get("resample", BILINEAR)))
        self._crop = _sides(config.get("crop_size") or self._resize) if config.get("do_center_crop") else None
        self._square = not config.get("do_center_crop") and "crop_pct" not in config
        self._crop_share = config.get("crop_pct")
        self._flip = bool(config.get("do_flip_channel_order"))
        self._scale, self._shift = _affine(config, 1 if self.input.mode == "L" else 3)
        self._plain = self.input.dtype.kind in "ui"

    def __call__(self, pictures: Iterable[Image.Image]) -> np.ndarray:
        """The tensor `[pictures, …]` for pictures in the mode `input.mode`. Raises InvalidInput where they come out
        in different sizes."""
        sized = [np.asarray(self._sized(picture)) for picture in pictures]
        if len({one.shape for one in sized}) > 1:
            raise InvalidInput("The images come out in different sizes.", "Send them in requests of their own.")
        pixels = np.stack(sized)
        if pixels.ndim == 3:
            pixels = pixels[..., np.newaxis]
        if self._flip:
            pixels = pixels[..., ::-1]
        if self._plain:
            return self.input.tensor(pixels)
        scaled = np.multiply(pixels, self._scale, dtype=np.float32)
        scaled += self._shift
        return self.input.tensor(scaled)

    def _sized(self, picture: Image.Image) -> Image.Image:
        if self._resize is not None:
            picture = self._resized(picture, self._resize)
        if self._crop is not None:
            picture = _center(picture, *self._crop)
        wanted = (self.input.height, self.input.width)
        if any(want not in (-1, have) for want, have in zip(wanted, (picture.height, picture.width), strict=True)):
            picture = picture.resize([want if want > 0 else DEFAULT_SIDE for want in wanted[::-1]], self._resample)
        return picture

    def _resized(self, picture: Image.Image, size: Any) -> Image.Image:
        shortest = size.get("shortest_edge") if isinstance(size, dict) else (None if self._square else size)
        if shortest is None:
            height, width = _sides(size)
            return picture.resize((width, height), self._resample)
        if min(picture.size) * MAX_ELONGATION < max(picture.size):  # it would have as many times the pixels wanted
            raise InvalidInput(
                f"The image is {picture.width} × {picture.height} pixels.",
                f"One side may be at most {MAX_ELONGATION} times as long as the other.",
            )
        if self._crop_share is not None:
            return self._resized_and_cropped(picture, int(shortest), float(self._crop_share))
        ratio = shortest / min(picture.size)
        width, height = (shortest if side == min(picture.size) else max(1, int(side * ratio)) for side in picture.size)
        longest = size.get("longest_edge") if isinstance(size, dict) else None
        if longest and max(width, height) > longest:
            width, height = (max(1, round(side * longest / max(width, height))) for side in (width, height))
        return picture.resize((width, height), self._resample)

    def _resized_and_cropped(self, picture: Image.Image, side: int, share: float) -> Image.Image:
        """As ConvNeXt has it: small inputs are cut from a larger picture, large ones are warped."""
        if side >= 384:
            return picture.resize((side, side), self._resample)
        ratio = int(side / share) / min(picture.size)
        width, height = (max(side, int(length * ratio)) for length in picture.size)
        return _center(picture.resize((width, height), self._resample), side, side)

    def _default(self) -> dict[str, Any]:
        known = {"height": self.input.height, "width": self.input.width}
        size = {name: side if side > 0 else DEFAULT_SIDE for name, side in known.items()}
        normal = {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD, "do_normalize": self.input.mode == "RGB"}
        return {"size": size, **normal}


def _of_timm(pretrained: dict[str, Any]) -> dict[str, Any]:
    """As timm evaluates: resized so that a share of it is the model's size, which is cut from its middle."""
    _, height, width = pretrained.get("input_size") or (3, DEFAULT_SIDE, DEFAULT_SIDE)
    share = float(pretrained.get("crop_pct") or TIMM_CROP)
    high, wide = int(height / share), int(width / share)
    squashed = pretrained.get("crop_mode") == "squash" or height != width
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"height": high, "width": wide} if squashed else {"shortest_edge": high},
        "resample": int(TIMM_RESAMPLING.get(str(pretrained.get("interpolation")), BILINEAR)),
        "do_center_crop": True,
        "crop_size": {"height": height, "width": width},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": pretrained.get("mean") or IMAGENET_MEAN,
        "image_std": pretrained.get("std") or IMAGENET_STD,
    }


def _affine(config: dict[str, Any], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """What each channel is multiplied by, and what is added: rescaling and normalising in one step."""
    factor = float(config.get("rescale_factor") or 1 / 255) if config.get("do_rescale", True) else 1.0
    offset = -1.0 if config.get("rescale_offset") else 0.0
    if config.get("do_normalize", "do_flip_channel_order" not in config):  # MobileViT, which flips, never normalises
        mean = _channel_values(config.get("image_mean", IMAGENET_MEAN), channels)
        deviation = _channel_values(config.get("image_std", IMAGENET_STD), channels)
        if not deviation.all():
            raise InvalidInput(f"{CONFIG} has an image_std of 0.")
    else:
        mean, deviation = np.zeros(channels), np.ones(channels)
    scale, shift = factor / deviation, (offset - mean) / deviation
    if config.get("include_top"):  # EfficientNet's classifier was trained with the deviation divided by twice
        again = _channel_values(config.get("image_std", IMAGENET_STD), channels)
        scale, shift = scale / again, shift / again
    return scale.astype(np.float32), shift.astype(np.float32)


def _channel_values(values: Any, channels: int) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.size != channels:
        array = np.full(channels, array.mean())
    return array


def _sides(size: Any) -> tuple[int, int]:
    """Height and width of `{"height", "width"}`, `{"shortest_edge"}` or one number. Raises InvalidInput."""
    if isinstance(size, dict):
        size = size.get("shortest_edge") or (size.get("height"), size.get("width"))
    pair = (size, size) if isinstance(size, int) else size
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(n, int) and n > 0 for n in pair):
        raise InvalidInput(f"{CONFIG} has the size {size!r}.", 'It must be {"height": …, "width": …} or one number.')
    return pair[0], pair[1]


def _center(picture: Image.Image, height: int, width: int) -> Image.Image:
    """Its middle; where it is smaller there is black around it."""
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))
