"""The image files of a dataset: every one is decoded before anybody trains on it."""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from jupyter_modeldeploy.datasets.files import below
from jupyter_modeldeploy.datasets.report import distribution
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Distribution
from jupyter_modeldeploy.store.artifacts import SHA256SUMS

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 50_000_000
SMALL_SIDE = 16
SIDEWAYS = (5, 6, 7, 8)
"""The orientations in EXIF (tag 0x0112) that swap width and height."""
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)

Image.MAX_IMAGE_PIXELS = None  # an image is judged by its header and our own limit, before a pixel is decoded


class Picture(NamedTuple):
    """An image that could be decoded: its size in pixels the way up it is meant, and the SHA-256 of its file."""

    width: int
    height: int
    sha256: str


def checked(paths: Sequence[Path], root: Path) -> list[Picture]:
    """Each image, decoded to its end. Raises InvalidInput that names the first file that is none, is cut off, or has
    more pixels than `MAX_PIXELS`."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # decoding lets other threads run
        return list(pool.map(lambda path: _checked(path, path.relative_to(root).as_posix()), paths))


def distributions(pictures: Sequence[Picture]) -> list[Distribution]:
    return [
        distribution("width of an image", "pixels", [picture.width for picture in pictures]),
        distribution("height of an image", "pixels", [picture.height for picture in pictures]),
    ]


def about_sizes(pictures: Sequence[Picture]) -> list[str]:
    small = sum(min(picture.width, picture.height) < SMALL_SIDE for picture in pictures)
    return [f"Images with a side of fewer than {SMALL_SIDE} pixels: {small:,}."] if small else []


def sums(folder: Path, paths: Iterable[Path]) -> list[str]:
    """The SHA-256 of each file: as the list of a stored dataset says, else computed."""
    listed: dict[str, str] = {}
    if (folder / SHA256SUMS).exists():
        lines = (folder / SHA256SUMS).read_text(encoding="utf-8").splitlines()
        listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    return [listed.get(path.relative_to(folder).as_posix()) or _sum(path) for path in paths]


def images_below(folder: Path, others: Callable[[Path], bool] = lambda path: False) -> list[Path]:
    """The images below a folder. Raises InvalidInput for a file that is neither an image, nor at the top, nor one of
    the `others`."""
    found = []
    for path in below(folder):
        if path.suffix.lower() in SUFFIXES:
            found.append(path)
        elif path.parent != folder and not others(path):
            raise InvalidInput(
                f"{path.relative_to(folder).as_posix()} is not one of {', '.join(SUFFIXES)}.",
                "Convert it or take it out.",
            )
    return found


class Names:
    """Gives files names of their own in their folders: these differ by more than case and suffix, so that each image
    has its own label file on any disk."""

    def __init__(self) -> None:
        self._taken: dict[Path, set[str]] = defaultdict(set)

    def free(self, folder: Path, name: str) -> Path:
        """A path in `folder`, which is made, for a file that would be called `name`."""
        folder.mkdir(parents=True, exist_ok=True)
        stem, suffix = re.sub(r"[^\w.() -]", "_", Path(name).stem) or "image", Path(name).suffix.lower()
        number, free = 1, stem
        while free.casefold() in self._taken[folder]:
            number += 1
            free = f"{stem}-{number}"
        self._taken[folder].add(free.casefold())
        return folder / f"{free}{suffix}"


def suffix_of(content: bytes, place: str) -> str:
    """What a file of these bytes is called, as `.png`. Raises InvalidInput that names the place."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return {"JPEG": ".jpg"}.get(str(image.format), f".{str(image.format).lower()}")
    except _BROKEN as error:
        raise InvalidInput(f"{place}: the image cannot be read: {error}.", "Correct the row or take it out.") from error


def _checked(path: Path, name: str) -> Picture:
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise InvalidInput(
                    f"{name} has {width:,} × {height:,} pixels; {MAX_PIXELS:,} are the most.", "Make it smaller."
                )
            turned = image.getexif().get(0x0112) in SIDEWAYS
            _decode(image, width, height)
    except _BROKEN as error:
        raise InvalidInput(f"{name} is not an image that can be read: {error}.", "Save it anew.") from error
    return Picture(*((height, width) if turned else (width, height)), sha256=_sum(path))


def _decode(image: Any, width: int, height: int) -> None:
    image.draft("RGB", (width // 8, height // 8))  # of a JPEG all bytes are read, but few pixels made: 4 times as fast
    image.load()


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
