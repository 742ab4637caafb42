"""Requests of images: PNG, JPEG, WebP, GIF (its first frame) and BMP, as files, as a form, or as JSON with base64."""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from PIL import Image

from jupyter_modeldeploy.errors import InvalidInput, TooLarge, shown

MAX_IMAGES = 64
MAX_PIXELS = 50_000_000
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What sets an image upright, by its orientation in EXIF."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
EXPECTED = (
    'Send a PNG, JPEG, WebP, GIF or BMP file as the body, files as multipart/form-data, or JSON: {"image": "base64"} '
    'or {"images": ["base64", …]}.'
)
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)

Image.MAX_IMAGE_PIXELS = None  # a request is judged by its own limit, in `read`, before a pixel is decoded


@dataclass(slots=True)
class EncodedImage:
    """An image file of a request; `width` and `height` are in pixels: as its header says, and once it was decoded the
    way up it is meant."""

    content: bytes
    width: int
    height: int


def parse(body: bytes, max_pixels: int) -> list[EncodedImage]:
    """The images of a request's body, told apart by how it begins. Raises InvalidInput, TooLarge."""
    start = body[:64].lstrip()[:1]
    if start in (b"{", b"[", b'"'):
        try:
            return parse_json(orjson.loads(body), max_pixels)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"The request is not JSON: {error}.", EXPECTED) from None
    files = _form_files(body) if body.startswith(b"--") else [body]
    return _read_all(files, max_pixels)


def parse_json(body: Any, max_pixels: int) -> list[EncodedImage]:
    """The images of `{"image": base64}`, `{"images": [base64, …]}`, `"base64"` or `["base64", …]`."""
    if isinstance(body, dict):
        keys = [key for key in ("image", "images") if key in body]
        if len(keys) != 1 or len(body) != 1 or isinstance(body[keys[0]], str) != (keys == ["image"]):
            raise InvalidInput(f"A request of images was expected, not {shown(body)}.", EXPECTED)
        body = body[keys[0]]
    texts = [body] if isinstance(body, str) else body
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidInput(f"Images were expected, not {shown(body)}.", EXPECTED)
    return _read_all([_from_base64(text) for text in texts], max_pixels)


def decoded(image: EncodedImage, mode: str) -> Image.Image:
    """The pixels, the way up they are meant, in the mode `RGB` or `L`; the image then knows its size so.

    Raises InvalidInput for a damaged file."""
    try:
        with Image.open(io.BytesIO(image.content), formats=FORMATS) as opened:
            opened.load()
            turn = TURNS.get(opened.getexif().get(ORIENTATION, 0))
            upright = opened.copy() if turn is None else opened.transpose(turn)
    except _BROKEN as error:
        raise InvalidInput(f"The image is damaged: {error}.", "Send the whole file.") from error
    image.width, image.height = upright.size
    if upright.mode.startswith("I"):  # 16 bits: converting would cut them off at 255
        upright = Image.fromarray((np.asarray(upright).clip(0, 65535) // 257).astype(np.uint8))
    if upright.mode == "P" and "transparency" in upright.info:
        upright = upright.convert("RGBA")
    return upright if upright.mode == mode else upright.convert(mode)


def _read_all(files: list[bytes], max_pixels: int) -> list[EncodedImage]:
    if not 1 <= len(files) <= MAX_IMAGES:
        raise InvalidInput(f"The request has {len(files)} images.", f"Send 1 to {MAX_IMAGES}.")
    return [_read(content, max_pixels) for content in files]


def _read(content: bytes, max_pixels: int) -> EncodedImage:
    """The file's header only, which is cheap: pixels are decoded where the model runs, and so is what lies behind them,
    such as a PNG's orientation."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
    except _BROKEN:
        raise InvalidInput(f"{shown(content[:16])}… is not an image that can be read.", EXPECTED) from None
    if width * height > max_pixels:
        raise TooLarge(f"The image has {width} × {height} pixels.", f"Send at most {max_pixels} pixels.")
    return EncodedImage(content, width, height)


def _from_base64(text: str) -> bytes:
    head, comma, _ = text[:200].partition(",")
    if head.startswith("data:") and comma and head.endswith(";base64"):
        text = text[len(head) + 1 :]
    elif "://" in text[:32] or head.startswith(("data:", "file:")):
        raise InvalidInput(f"{shown(text)} is an address; the server fetches nothing.", EXPECTED)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(f"The image is not base64: {error}.", EXPECTED) from None


def _form_files(body: bytes) -> list[bytes]:
    """What is in the parts of a form, by RFC 7578; its first line is the boundary."""
    boundary, _, _ = body.partition(b"\r\n")
    if len(boundary) > 72:
        raise InvalidInput("The form's first line is no boundary.", EXPECTED)
    parts = (b"\r\n" + body).split(b"\r\n" + boundary)
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise InvalidInput("The form has no end: its last boundary is missing.", EXPECTED)
    files = []
    for part in parts[1:-1]:
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank:
            raise InvalidInput("A part of the form has no content.", EXPECTED)
        if b"filename" in head.lower() or b"image/" in head.lower():
            files.append(content)
    return files
