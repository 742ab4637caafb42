"""Objects and prefixes of buckets: Amazon S3 and what speaks its API, Alibaba Cloud OSS, Google Cloud Storage.

A store lists through fsspec; the bytes come over plain HTTP through the common downloader, with headers that the store
signs, so that a download is resumed, checked and cached like any other."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol
from urllib.parse import parse_qs, quote, unquote

from jupyter_modeldeploy.errors import InvalidInput, NotFound, Unavailable
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.choosing import choice
from jupyter_modeldeploy.sources.places import one_file, pinned
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer.cache import Cache

VERSION_KEYS = ("versionId", "generation")


@dataclass(frozen=True)
class StoredObject:
    """An object of a bucket. `version` names this content for good, where the bucket keeps versions."""

    key: str
    size: int
    etag: str
    version: str | None = None


class Bucket(Protocol):
    """One bucket of a store. Its methods raise NotFound, NotAuthenticated, Forbidden, Unavailable."""

    def find(self, key: str, version: str | None) -> StoredObject | None:
        """The object of this very key, or None."""

    def list(self, prefix: str) -> list[StoredObject]:
        """All objects whose key begins with `prefix`."""

    def url(self, one: StoredObject) -> str:
        """The HTTP URL of an object, without anything that expires."""

    def headers(self, url: str) -> dict[str, str]:
        """The headers that let a GET of `url` in, now."""


class ObjectStoreSource(ABC):
    """`s3://bucket/key` or `s3://bucket/prefix`: one object (an archive is unpacked, `#path` is inside it), or all
    objects below a prefix that match the selection."""

    local: ClassVar[bool] = False
    version_name: ClassVar[str]

    def __init__(self, settings: Settings) -> None:
        self._bucket: Bucket | None = None
        self._etags: dict[str, str] = {}

    @abstractmethod
    def open(self, bucket: str) -> Bucket:
        """The bucket of that name. Raises Unavailable where the store's package is not installed."""

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        """Raises also Conflict where the reference pins what the store no longer has."""
        name, key, version = _location(reference)
        fragment = pinned.fragment(reference)
        self._bucket = self.open(name)
        found = None if not key or key.endswith("/") else self._bucket.find(key, version)
        where = f"{reference.scheme}://{name}/{quote(key)}"
        if found is None:
            return self._prefix(self._bucket, where, key, fragment, selection)
        if fragment.path and not archive.is_archive(key):
            raise InvalidInput(f"{key} is not an archive, so there is no {fragment.path!r} in it.", "Leave out #PATH.")
        fragment.check(where, {"etag": found.etag})
        pin = f"?{self.version_name}={quote(found.version, safe='')}" if found.version else ""
        pins = {} if found.version else {"etag": found.etag}
        path = str(archive.relative_path(key.rpartition("/")[2], where))
        file = RemoteFile(
            path=path, url=self._bucket.url(found), size=found.size, etag=found.etag, sha256=fragment.sha256
        )
        return Resolution(source=where + pin + fragment.text(**pins), files=[file], selection=selection)

    def headers(self, url: str) -> dict[str, str]:
        if self._bucket is None:
            return {}
        wanted = {"If-Match": self._etags[url]} if url in self._etags else {}
        return self._bucket.headers(url) | wanted

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        name, key, _ = _location(reference)
        if self._bucket is None:  # resolved before, from memory
            self._bucket = self.open(name)
        self._etags = {file.url: file.etag for file in resolution.files if file.etag}
        message = f"Downloading {name}/{key}"
        if not _is_one(resolution):
            return cache.place(resolution.files, into, reporter, message)
        (content,) = cache.get(resolution.files, reporter, message)
        one_file.put(content, resolution.files[0].path, pinned.fragment(reference).path, into, resolution.selection)

    def _prefix(
        self, bucket: Bucket, where: str, key: str, fragment: pinned.Fragment, selection: Selection
    ) -> Resolution:
        """All objects below a prefix, pinned to the state of that whole listing."""
        below = f"{key.rstrip('/')}/" if key else ""
        objects = {
            one.key.removeprefix(below): one for one in bucket.list(below) if one.key != below and one.key[-1:] != "/"
        }
        if not objects:
            raise NotFound(f"There is no object and no prefix {where}.", "Check the bucket, the key and the endpoint.")
        if fragment.path or fragment.sha256:
            raise InvalidInput(
                f"{where} is a prefix of {len(objects)} objects.", "#PATH and #sha256= are for one file."
            )
        state = _state(list(objects.values()))
        fragment.check(where, {"state": state})
        chosen = _chosen(list(objects), where, selection)
        files = [
            RemoteFile(
                path=str(archive.relative_path(place, where)),
                url=bucket.url(objects[name]),
                size=objects[name].size,
                etag=objects[name].etag,
            )
            for name, place in chosen.items()
        ]
        return Resolution(source=f"{where.rstrip('/')}/#state={state}", files=files, selection=selection)


def _location(reference: Reference) -> tuple[str, str, str | None]:
    """Bucket, key and version of a reference. Raises InvalidInput."""
    location, _, query = reference.name.partition("?")
    bucket, _, key = location.removeprefix("//").partition("/")
    if not reference.name.startswith("//") or not bucket or "@" in bucket:
        raise InvalidInput(
            f"{reference} names no bucket.", f"Write {reference.scheme}://BUCKET/KEY; credentials do not belong in it."
        )
    known = parse_qs(query)
    return bucket, unquote(key), next((known[name][0] for name in VERSION_KEYS if name in known), None)


def _is_one(resolution: Resolution) -> bool:
    """Whether the reference names one object, rather than a prefix that has but one."""
    return "#state=" not in resolution.source


def _chosen(names: Sequence[str], where: str, selection: Selection) -> dict[str, str]:
    """The wanted names below a prefix, each with its place: a model's files where the selection says which kind of
    weights, else all that match its patterns."""
    if selection.framework or selection.variant or not selection.include_weights:
        chosen = choice.choose(names, where, selection)
        return dict(zip(chosen, choice.placed(chosen), strict=True))
    return {name: name for name in choice.matching(names, where, selection)}


def _state(objects: Sequence[StoredObject]) -> str:
    listed = sorted(f"{one.key}\0{one.size}\0{one.etag}" for one in objects)
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()[:32]


def missing(scheme: str, package: str) -> Unavailable:
    """The error for a store whose package is not installed."""
    return Unavailable(
        f"{scheme}: needs the package {package}, which is not installed.",
        f"Install it: pip install 'jupyter_modeldeploy[{scheme}]'.",
    )
