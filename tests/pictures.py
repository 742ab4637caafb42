"""Image files of all kinds, made in a moment."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
COLOURS = ("red", "green", "blue")


def picture(colour: Any, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, colour)


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def form(*contents: bytes) -> bytes:
    """The body of a multipart/form-data request with one file after another, and a plain field."""
    parts = [b'--xyz\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n']
    parts += [
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\n%b\r\n'
        % content
        for content in contents
    ]
    return b"".join([*parts, b"--xyz--\r\n"])
