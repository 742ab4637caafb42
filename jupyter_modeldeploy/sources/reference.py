"""What a user writes to name a source, and what it was resolved to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Record

SCHEME = re.compile(r"^([a-z][a-z0-9+-]*):(.+)$", re.DOTALL)
PARTS = re.compile(r"^(?P<name>[^@=#\s]+)(?:(?:@|==)(?P<revision>[^#\s]+))?(?:#(?P<path>.+))?$")
Framework = Literal["safetensors", "onnx", "pytorch", "tensorflow", "flax", "gguf", "openvino"]


@dataclass(frozen=True)
class Reference:
    """`scheme:name@revision#path`, taken apart. `original` is the canonical text. A `file:` has its path as name, a URL
    all between the scheme and the fragment."""

    scheme: str
    name: str
    revision: str | None
    path: str | None
    original: str

    def __str__(self) -> str:
        return self.original


class RemoteFile(Record):
    """One file to download: where it belongs below the folder, and what is known of it beforehand.

    Its content is named by the SHA-256 where that is known, else by Git's SHA-1 (of the header `blob SIZE\\0` and the
    content), else by the URL together with the ETag."""

    path: str
    url: str
    size: int | None = Field(default=None, ge=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    git_sha1: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    etag: str | None = None


class Selection(Record):
    """Which of a repository's files are wanted. Patterns are as in `fnmatch`, on paths below the repository or the
    reference's `#path`; without any, what the model needs is chosen."""

    include: list[str] = Field(default_factory=list, description="only files that match one of these patterns")
    exclude: list[str] = Field(default_factory=list, description="no files that match one of these patterns")
    variant: str | None = Field(default=None, description="weights of this variant, such as fp16")
    framework: Framework | None = Field(
        default=None, description="weights of this kind, where there are several; else safetensors, onnx, pytorch"
    )
    include_weights: bool = Field(default=True, description="the weights too, not only configuration and tokenizer")


AS_NEEDED = Selection()
"""What the model needs, chosen by its files."""


class Resolution(Record):
    """The one revision that a reference names now. `source` is the reference to exactly that revision; `selection` is
    what to take out of a file that is an archive."""

    source: str
    files: list[RemoteFile]
    selection: Selection = Field(default_factory=Selection)


@dataclass(frozen=True)
class Fetched:
    """The wanted files, at the top of the folder `root`, and the exact `source` they came from."""

    root: Path
    source: str


def parse(text: str) -> Reference:
    """Take a reference apart.

    A relative `file:` path is made absolute, so that the canonical text means the same in another process. Raises
    InvalidInput for a text without a scheme, an unknown scheme (listing the installed ones) or a malformed rest."""
    match = SCHEME.match(text.strip())
    if match is None:
        raise InvalidInput(f"{text!r} does not say what kind of source it is.", _hint(text))
    scheme, rest = match.groups()
    if scheme not in plugins.available("sources"):
        installed = ", ".join(f"{name}:" for name in sorted(plugins.available("sources")))
        raise InvalidInput(f"{scheme!r} is not a known kind of source.", f"Installed: {installed}.")
    if scheme == "file":
        path = _local_path(rest)
        return Reference("file", str(path), None, None, f"file:{path}")
    if rest.startswith("//"):
        return _url(scheme, rest)
    parts = PARTS.match(rest)
    if parts is None:
        raise InvalidInput(f"{text!r} is not a reference.", f"Write {scheme}:NAME, with @REVISION and #PATH if wanted.")
    return Reference(scheme, parts["name"], parts["revision"], parts["path"], f"{scheme}:{rest}")


def _url(scheme: str, rest: str) -> Reference:
    """A URL, with all up to its fragment as name (`//host/path?query`) and the fragment as path."""
    name, _, fragment = rest.partition("#")
    if name == "//" or re.search(r"\s", rest):
        raise InvalidInput(f"{scheme}:{rest!r} is not a URL.", "Write a space as %20.")
    return Reference(scheme, name, None, fragment or None, f"{scheme}:{rest}")


def _local_path(rest: str) -> Path:
    """`file:relative`, `file:~/below/home`, `file:/absolute` and the URL form `file:///absolute%20path`."""
    if rest.startswith("//"):
        url = urlsplit(f"file:{rest}")
        if url.netloc not in ("", "localhost"):
            raise InvalidInput(f"file:{rest} names another host, {url.netloc!r}.", "Write file:/absolute/path.")
        rest = unquote(url.path)
    if not rest or "\0" in rest:
        raise InvalidInput("The file: reference has no usable path.", "Write file:PATH.")
    return Path(rest).expanduser().absolute()


def _hint(text: str) -> str:
    if Path(text).expanduser().exists():
        return f"For a file or folder on this machine write file:{text}."
    return f"Write one of {', '.join(f'{name}:…' for name in sorted(plugins.available('sources')))}."
