"""Models and datasets of ModelScope, or of a server that speaks its HTTP API (`MODELSCOPE_ENDPOINT`)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
from pydantic import AliasChoices, BaseModel, Field

from jupyter_modeldeploy.errors import (
    Forbidden,
    InvalidInput,
    ModelDeployError,
    NotAuthenticated,
    NotFound,
    RateLimited,
    Unavailable,
)
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import FoundModel
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources.choosing.placing import places
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer import network
from jupyter_modeldeploy.sources.transfer.asking import ask, read, wait_s
from jupyter_modeldeploy.sources.transfer.cache import Cache
from jupyter_modeldeploy.sources.transfer.download import refusal

PUBLIC = "https://modelscope.cn"
MAIN = "master"
NAME = re.compile(r"^(datasets/)?([\w.-]+/[\w.-]+)$")
COMMIT = re.compile(r"^[0-9a-f]{40}$")
SHA256 = re.compile(r"^[0-9a-f]{64}$")
LISTED_AT_ONCE = 3000
"""The server cuts a listing of a model's files off here, without saying so."""
PAGE_SIZE = 200
FOUND_AT_ONCE = 50
SORTS = {"downloads": "downloads", "likes": "likes", "updated": "last_modified", "relevance": "default"}
REACH = "Check the network, or name another server with MODELSCOPE_ENDPOINT."
Answer = TypeVar("Answer")
SPEAKS = "Is MODELSCOPE_ENDPOINT the address of a ModelScope server?"


@dataclass(frozen=True)
class _Repository:
    kind: Literal["models", "datasets"]
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "models" else f"datasets/{self.name}"


class _Envelope(BaseModel, Generic[Answer]):
    """What every answer of the server comes in; the newer routes write its fields in small letters."""

    success: bool = Field(default=True, validation_alias=AliasChoices("Success", "success"))
    message: str | None = Field(default=None, validation_alias=AliasChoices("Message", "message"))
    data: Answer | None = Field(default=None, validation_alias=AliasChoices("Data", "data"))


class _Entry(BaseModel):
    path: str = Field(alias="Path")
    type: str = Field(default="blob", alias="Type")
    size: int | None = Field(default=None, alias="Size", ge=0)
    sha256: str | None = Field(default=None, alias="Sha256")


class _Listing(BaseModel):
    files: list[_Entry] | None = Field(default=None, alias="Files")


class _Commit(BaseModel):
    id: str = Field(alias="Id", pattern=COMMIT.pattern)


class _History(BaseModel):
    commits: list[_Commit] | None = Field(default=None, alias="Commit")


class _Name(BaseModel):
    revision: str = Field(alias="Revision")


class _Names(BaseModel):
    branches: list[_Name] | None = Field(default=None, alias="Branches")
    tags: list[_Name] | None = Field(default=None, alias="Tags")


class _Revisions(BaseModel):
    names: _Names = Field(alias="RevisionMap")


class _Found(BaseModel):
    id: str
    downloads: int | None = None
    likes: int | None = None
    license: str | None = None
    tasks: list[str] | None = None
    gated: bool | None = None
    last_modified: datetime | None = None


class _Page(BaseModel):
    models: list[_Found] | None = None


class ModelScopeSource:
    """`ms:org/name@revision#folder`, and `ms:datasets/org/name` for a dataset.

    The revision is a branch, a tag or a commit, else the branch `master`; the path is a folder or one file."""

    local: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def allowed_hosts(self) -> Sequence[str]:
        """The server that the user set up, which may be a machine of a private network."""
        return () if self._endpoint == PUBLIC else (self._endpoint,)

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        repository = _repository(reference)
        folder = (reference.path or "").strip("/")
        with self._api() as api:
            commit = api.commit(repository, reference.revision or MAIN)
            entries = {one.path: one for one in api.files(repository, commit) if one.type != "tree"}
        placed = places(list(entries), folder, str(reference), selection, whole=repository.kind == "datasets")
        files = [self._file(repository, commit, entries[name], place) for name, place in placed.items()]
        path = f"#{folder}" if folder else ""
        return Resolution(source=f"ms:{repository}@{commit}{path}", files=files)

    def headers(self, url: str) -> dict[str, str]:
        return _credentials(self._token) if urlsplit(url)[:2] == urlsplit(self._endpoint)[:2] else {}

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        cache.place(resolution.files, into, reporter, f"Downloading {reference.name}")

    def search(self, query: str, task: str | None, sort: str, limit: int) -> list[FoundModel]:
        """Models of which name or description fit, best first by `sort`: downloads, likes, updated, relevance.

        `task` is one in ModelScope's words, such as `text-classification`. Raises InvalidInput, Unavailable."""
        if sort not in SORTS:
            raise InvalidInput(f"{sort!r} is no order to search by.", f"Choose one of {', '.join(SORTS)}.")
        parameters = {"search": query, "sort": SORTS[sort]} | ({"filter.task": task} if task else {})
        with self._api() as api:
            found = api.search(parameters, limit)
        return [
            FoundModel(
                source=f"ms:{one.id}",
                task=one.tasks[0] if one.tasks else None,
                license=one.license,
                downloads=one.downloads,
                likes=one.likes,
                gated=bool(one.gated),
                updated_at=one.last_modified,
            )
            for one in found
        ]

    def _file(self, repository: _Repository, commit: str, entry: _Entry, place: str) -> RemoteFile:
        query = urlencode({"Revision": commit, "FilePath": entry.path})
        url = f"{self._endpoint}/api/v1/{repository.kind}/{quote(repository.name)}/repo?{query}"
        hexdigest = (entry.sha256 or "").lower()
        sha256 = hexdigest if SHA256.match(hexdigest) else None
        return RemoteFile(path=place, url=url, size=entry.size, sha256=sha256)

    @contextmanager
    def _api(self) -> Iterator[_Api]:
        with network.client(self.allowed_hosts) as client:
            yield _Api(client, self._endpoint, self._token)

    @cached_property
    def _endpoint(self) -> str:
        named = os.environ.get("MODELSCOPE_ENDPOINT", "").strip().rstrip("/")
        if not named:
            return PUBLIC
        return named if "://" in named else f"https://{named}"

    @cached_property
    def _token(self) -> str | None:
        """`MODELSCOPE_API_TOKEN` (empty: none), else what the installed client has stored at its login."""
        if "MODELSCOPE_API_TOKEN" in os.environ:
            return os.environ["MODELSCOPE_API_TOKEN"].strip() or None
        try:
            from modelscope_hub.config import HubConfig
        except ImportError:
            return None
        stored: str | None = HubConfig().token
        return stored


class _Api:
    """Asks the server at `endpoint`. `client` is closed by whoever made it."""

    def __init__(self, client: httpx.Client, endpoint: str, token: str | None) -> None:
        self._client, self._endpoint, self._headers = client, endpoint, _credentials(token)

    def commit(self, repository: _Repository, revision: str) -> str:
        """The commit that a branch or tag names now; a commit names itself."""
        if COMMIT.match(revision):
            return revision
        route = f"/api/v1/{repository.kind}/{quote(repository.name)}/commits"
        history = self._get(
            _Envelope[_History], route, {"Ref": revision, "PageNumber": "1", "PageSize": "1"}, repository
        )
        if history.commits:
            return history.commits[0].id
        known = self._get(_Envelope[_Revisions], route.removesuffix("commits") + "revisions", {}, repository).names
        names = [one.revision for one in (known.branches or []) + (known.tags or [])]
        raise NotFound(f"{repository} has no revision {revision!r}.", f"It has {', '.join(names) or 'none yet'}.")

    def files(self, repository: _Repository, commit: str) -> list[_Entry]:
        return self._tree(repository, commit, "") if repository.kind == "models" else self._pages(repository, commit)

    def search(self, parameters: Mapping[str, str], limit: int) -> list[_Found]:
        found: list[_Found] = []
        for number in range(1, -(-limit // FOUND_AT_ONCE) + 1):
            asked = {**parameters, "page_number": str(number), "page_size": str(min(limit, FOUND_AT_ONCE))}
            page = self._get(_Envelope[_Page], "/openapi/v1/models", asked, None).models or []
            found += page
            if len(page) < FOUND_AT_ONCE:
                break
        return found[:limit]

    def _tree(self, repository: _Repository, commit: str, root: str) -> list[_Entry]:
        """All below `root`, folder by folder where the server cuts the listing off."""
        entries = self._list(repository, commit, root, recursive=True)
        if len(entries) < LISTED_AT_ONCE:
            return entries
        inside = self._list(repository, commit, root, recursive=False)
        if len(inside) >= LISTED_AT_ONCE:
            raise Unavailable(
                f"ModelScope lists only {LISTED_AT_ONCE} files of the folder {root or '/'} of {repository}.",
                "Its owner can divide it into several folders.",
            )
        found = [one for one in inside if one.type != "tree"]
        for folder in (one for one in inside if one.type == "tree"):
            found += self._tree(repository, commit, folder.path)
        return found

    def _list(self, repository: _Repository, commit: str, root: str, *, recursive: bool) -> list[_Entry]:
        asked = {"Revision": commit, "Recursive": str(recursive)} | ({"Root": root} if root else {})
        return (
            self._get(
                _Envelope[_Listing], f"/api/v1/models/{quote(repository.name)}/repo/files", asked, repository
            ).files
            or []
        )

    def _pages(self, repository: _Repository, commit: str) -> list[_Entry]:
        """A dataset's files, which are listed by pages."""
        found: list[_Entry] = []
        route = f"/api/v1/datasets/{quote(repository.name)}/repo/tree"
        for number in range(1, 1 + 1_000_000 // PAGE_SIZE):
            asked = {"Revision": commit, "Recursive": "True", "PageNumber": str(number), "PageSize": str(PAGE_SIZE)}
            page = self._get(_Envelope[_Listing], route, asked, repository).files or []
            found += page
            if len(page) < PAGE_SIZE:
                return found
        raise Unavailable(f"{repository} holds more than a million files.", "Fetch it with ModelScope's own client.")

    def _get(
        self, kind: type[_Envelope[Answer]], route: str, asked: Mapping[str, str], repository: _Repository | None
    ) -> Answer:
        """What the answer's envelope holds."""
        response = ask(self._client, "GET", self._endpoint + route, self._headers, params=asked, hint=REACH)
        if not response.is_success:
            raise _refused(response, repository, bool(self._headers))
        answer = read(kind, response, SPEAKS)
        if not answer.success or answer.data is None:
            raise Unavailable(f"{response.request.url.host} answers {route}: {answer.message}.", SPEAKS)
        return answer.data


def _repository(reference: Reference) -> _Repository:
    match = NAME.match(reference.name)
    if match is None:
        raise InvalidInput(
            f"{reference.name!r} is not a repository's name.", "Write ms:ORG/NAME@REVISION, or ms:datasets/ORG/NAME."
        )
    return _Repository("datasets" if match[1] else "models", match[2])


def _credentials(token: str | None) -> dict[str, str]:
    """The token as both generations of the server's routes want it."""
    return {"Authorization": f"Bearer {token}", "Cookie": f"m_session_id={token}"} if token else {}


def _refused(response: httpx.Response, repository: _Repository | None, with_token: bool) -> ModelDeployError:
    """What an answer means. A private repository looks as if it did not exist."""
    status, host = response.status_code, response.request.url.host
    if status == 429:
        seconds = wait_s(response) or 60.0
        return RateLimited(f"{host} asks for fewer requests.", f"Try again in {seconds:.0f} s.", seconds)
    if repository is None or status >= 500:
        return refusal(status, f"{host} answered {status}.")
    if status == 401:
        return NotAuthenticated(
            f"{host} does not accept the token.", "Set MODELSCOPE_API_TOKEN to a token of your account there."
        )
    if status == 403:
        return Forbidden(f"{repository} is not open to you.", "Ask its owner, and set MODELSCOPE_API_TOKEN.")
    if status == 404:
        private = "the account of the token must be let in" if with_token else "set MODELSCOPE_API_TOKEN"
        return NotFound(
            f"{host} has no {repository.kind.removesuffix('s')} {repository.name}, or it is private.",
            f"Check the name; for a private one {private}.",
        )
    return refusal(status, f"{host} answered {status} for {repository}.")
