"""Files that Git keeps only a pointer to: Git LFS, by its batch API (git-lfs/docs/api/batch.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from pydantic import BaseModel, ValidationError

from jupyter_modeldeploy.errors import ModelDeployError, NotFound, Unavailable
from jupyter_modeldeploy.sources.transfer.asking import ask, read
from jupyter_modeldeploy.sources.transfer.download import refusal

POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n?")
SMALLEST_POINTER, LARGEST_POINTER = 100, 1024
ATTRIBUTES = ".gitattributes"
FILTERED = re.compile(rb"^[^#\n]*\bfilter=lfs\b", re.MULTILINE)
MEDIA_TYPE = "application/vnd.git-lfs+json"
AT_ONCE = 100
HINT = "Try again later, or ask who runs that server."


@dataclass(frozen=True)
class Pointer:
    """The SHA-256 and the size in bytes of the content that a pointer stands for."""

    oid: str
    size: int


@dataclass(frozen=True)
class Link:
    """Where a content may be had for a while, and the headers that a request for it needs."""

    href: str
    headers: Mapping[str, str]


class _Action(BaseModel):
    href: str
    header: dict[str, str] = {}


class _Actions(BaseModel):
    download: _Action | None = None


class _Failure(BaseModel):
    code: int
    message: str = ""


class _Object(BaseModel):
    oid: str
    actions: _Actions | None = None
    error: _Failure | None = None


class _Batch(BaseModel):
    objects: list[_Object]


class _Refusal(BaseModel):
    message: str


def pointer(content: bytes) -> Pointer | None:
    """What a file's content points to, or None where it is an ordinary file."""
    match = POINTER.fullmatch(content)
    return Pointer(match[1].decode(), int(match[2])) if match else None


def may_be_pointer(size: int | None) -> bool:
    return size is None or SMALLEST_POINTER <= size < LARGEST_POINTER


def is_used(attributes: bytes) -> bool:
    """Whether a `.gitattributes` gives any file to LFS."""
    return FILTERED.search(attributes) is not None


def links(client: httpx.Client, server: str, wanted: Sequence[Pointer], headers: Mapping[str, str]) -> dict[str, Link]:
    """A link for each wanted content, by its SHA-256. `server` is the LFS server: `https://HOST/OWNER/REPO.git/info/lfs`.

    Raises NotFound for a content that the server does not have, NotAuthenticated, Forbidden, Unavailable."""
    found: dict[str, Link] = {}
    for start in range(0, len(wanted), AT_ONCE):
        found |= _batch(client, server, wanted[start : start + AT_ONCE], headers)
    return found


def _batch(client: httpx.Client, server: str, wanted: Sequence[Pointer], headers: Mapping[str, str]) -> dict[str, Link]:
    body = {
        "operation": "download",
        "transfers": ["basic"],
        "objects": [{"oid": one.oid, "size": one.size} for one in wanted],
        "hash_algo": "sha256",
    }
    every = {**headers, "Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
    response = ask(client, "POST", f"{server}/objects/batch", every, json=body, hint=HINT)
    if not response.is_success:
        raise _refused(response)
    found = {}
    for one in read(_Batch, response, HINT).objects:
        if one.error is not None:
            raise refusal(one.error.code, f"The LFS server says of {one.oid}: {one.error.code} {one.error.message}.")
        if one.actions is not None and one.actions.download is not None:
            found[one.oid] = Link(one.actions.download.href, one.actions.download.header)
    if missing := [one.oid for one in wanted if one.oid not in found]:
        raise NotFound(f"The LFS server offers no download of {missing[0]}.", "Ask the repository's owner to push it.")
    return found


def _refused(response: httpx.Response) -> ModelDeployError:
    """What the server says in place of links, such as that the owner's quota is used up."""
    try:
        message = _Refusal.model_validate_json(response.content).message
    except ValidationError:
        message = ""
    status, where = response.status_code, response.request.url.host
    if status in (403, 429, 509) and "quota" in message.lower():
        return Unavailable(f"{where} gives out no LFS files of this repository: {message}", "Ask its owner.")
    return refusal(status, f"The LFS server of {where} answered {status}: {message or 'no reason given'}.")
