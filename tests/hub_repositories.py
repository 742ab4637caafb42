"""The repositories of our own hub: commits of files, known by the hashes that the real hub gives for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

LARGE_SUFFIXES = (".safetensors", ".bin", ".onnx", ".h5", ".msgpack", ".pt", ".gguf", ".parquet")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Zeros:
    """So many zero bytes, which are never held at once."""

    size: int


@dataclass
class Blob:
    """The content of one file."""

    content: bytes | Zeros

    @property
    def size(self) -> int:
        return self.content.size if isinstance(self.content, Zeros) else len(self.content)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            end = min(stop, start + CHUNK)
            yield bytes(end - start) if isinstance(self.content, Zeros) else self.content[start:end]
            start = end

    @cached_property
    def sha256(self) -> str:
        return self._digest("sha256")

    @cached_property
    def git_sha1(self) -> str:
        return self._digest("sha1", b"blob %d\0" % self.size)

    def pointer(self) -> Blob:
        """What Git holds in place of a large file."""
        oid = f"oid sha256:{self.sha256}\nsize {self.size}\n"
        return Blob(f"version https://git-lfs.github.com/spec/v1\n{oid}".encode())

    def _digest(self, name: str, header: bytes = b"") -> str:
        digest = hashlib.new(name, header)
        for chunk in self.read(0, self.size):
            digest.update(chunk)
        return digest.hexdigest()


def is_large(path: str) -> bool:
    return path.endswith(LARGE_SUFFIXES)


@dataclass
class Repository:
    """The files of each commit; branches and tags name commits. Only `token` may read it where that is set: all of it,
    or the files alone where it is `gated`. The rest is what a search tells."""

    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    gated: bool = False
    task: str | None = None
    library: str | None = None
    tags: list[str] = field(default_factory=list)
    downloads: int = 0
    likes: int = 0
    trending: int = 0
    updated: str = "2026-01-01T00:00:00.000Z"

    def commit(self, files: Mapping[str, bytes | Zeros], *names: str) -> str:
        """Add a commit that `main` and `names` point to; its SHA-1 depends on the files alone."""
        blobs = {path: Blob(content) for path, content in files.items()}
        listed = sorted((path, blob.sha256) for path, blob in blobs.items())
        sha = hashlib.sha1(json.dumps(listed).encode()).hexdigest()
        self.commits[sha] = blobs
        for name in ("main", *names):
            self.names[name] = sha
        return sha

    def find(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.names.get(revision)

    def told(self, name: str) -> dict[str, Any]:
        """What a listing or a search says of it."""
        return {
            "_id": name,
            "id": name,
            "author": name.partition("/")[0],
            "private": bool(self.token) and not self.gated,
            "gated": "manual" if self.gated else False,
            "tags": self.tags,
            "downloads": self.downloads,
            "likes": self.likes,
            "trendingScore": self.trending,
            "lastModified": self.updated,
            "createdAt": self.updated,
            "pipeline_tag": self.task,
            "library_name": self.library,
        }


def entries(files: Mapping[str, Blob], folder: str, xet: bool) -> list[dict[str, Any]]:
    """The tree of a commit below `folder`, with its folders, sorted as the hub sorts it."""
    below = {path: blob for path, blob in files.items() if not folder or path.startswith(f"{folder}/")}
    folders = {"/".join(path.split("/")[:depth]) for path in below for depth in range(1, path.count("/") + 1)}
    inside = [one for one in folders if len(one) > len(folder)]
    listed = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in inside]
    return sorted(listed + [_entry(path, blob, xet) for path, blob in below.items()], key=lambda one: one["path"])


def sibling(path: str, blob: Blob, blobs: bool) -> dict[str, Any]:
    """A file as the information on a repository lists it; its hash has another name there than in the tree."""
    if not blobs:
        return {"rfilename": path}
    entry = _entry(path, blob, xet=False)
    lfs = {"lfs": {"sha256": blob.sha256, "size": blob.size, "pointerSize": 134}} if is_large(path) else {}
    return {"rfilename": path, "size": blob.size, "blobId": entry["oid"], **lfs}


def _entry(path: str, blob: Blob, xet: bool) -> dict[str, Any]:
    if not is_large(path):
        return {"type": "file", "oid": blob.git_sha1, "size": blob.size, "path": path}
    lfs = {"oid": blob.sha256, "size": blob.size, "pointerSize": 134}
    stored = {"xetHash": blob.sha256[::-1]} if xet else {}
    return {"type": "file", "oid": blob.pointer().git_sha1, "size": blob.size, "path": path, "lfs": lfs, **stored}
