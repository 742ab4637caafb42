"""What a hub says of its repositories: the HTTP API that mirrors and company hubs speak too.

Asked directly rather than through the hub's own client, so that certificates, proxies and the guard on hosts are those
of every other download, and nothing that the process shares is set up for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from pydantic import BaseModel, Field, StringConstraints

from jupyter_modeldeploy.errors import (
    Forbidden,
    ModelDeployError,
    NotAuthenticated,
    NotFound,
    RateLimited,
    Unavailable,
)
from jupyter_modeldeploy.sources.transfer.asking import ask, read
from jupyter_modeldeploy.sources.transfer.download import refusal

MAX_FILES = 500_000
REACH = "Check the network, or name another hub with HF_ENDPOINT; HF_HUB_OFFLINE=1 uses what is here."
SPEAKS = "Is HF_ENDPOINT the address of a hub, and does no login page stand before it?"
Sha1 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Repository:
    """A repository by kind and name: `org/name`, or the bare `name` of the hub's oldest models."""

    kind: Literal["models", "datasets"]
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "models" else f"datasets/{self.name}"

    @property
    def what(self) -> str:
        return self.kind.removesuffix("s")


class Information(BaseModel):
    """A repository at one revision. `id` is its name now, where it was renamed."""

    id: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")
    sha: Sha1
    gated: bool | str | None = False


class HubFile(BaseModel):
    """A file of a repository. Small ones are known by Git's SHA-1, large ones (LFS, Xet) by their SHA-256."""

    path: str
    size: int | None = Field(default=None, ge=0)
    sha256: Sha256 | None = None
    git_sha1: Sha1 | None = None


class Listed(BaseModel):
    """A model among the results of a search."""

    id: str
    pipeline_tag: str | None = None
    downloads: int | None = None
    likes: int | None = None
    gated: bool | str | None = False
    tags: list[str] = []
    lastModified: datetime | None = None  # noqa: N815  # the hub's name


class _Large(BaseModel):
    oid: Sha256


class _Entry(BaseModel):
    type: str
    path: str
    oid: Sha1
    size: int = Field(ge=0)
    lfs: _Large | None = None

    def file(self) -> HubFile:
        """The blob of a large file is only a pointer to it."""
        if self.lfs:
            return HubFile(path=self.path, size=self.size, sha256=self.lfs.oid)
        return HubFile(path=self.path, size=self.size, git_sha1=self.oid)


class _LargeSibling(BaseModel):
    sha256: Sha256


class _Sibling(BaseModel):
    rfilename: str
    size: int | None = None
    blobId: Sha1 | None = None  # noqa: N815  # the hub's name
    lfs: _LargeSibling | None = None

    def file(self) -> HubFile:
        if self.lfs:
            return HubFile(path=self.rfilename, size=self.size, sha256=self.lfs.sha256)
        return HubFile(path=self.rfilename, size=self.size, git_sha1=self.blobId)


class _Siblings(BaseModel):
    siblings: list[_Sibling]


class HubApi:
    """Asks the hub at `endpoint`, with `token` if there is one. `client` is closed by whoever made it."""

    def __init__(self, client: httpx.Client, endpoint: str, token: str | None) -> None:
        self._client, self._endpoint = client, endpoint
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def information(self, repository: Repository, revision: str | None) -> Information:
        """The repository's name and commit now. Raises NotFound, NotAuthenticated, Forbidden (gated), Unavailable."""
        at = f"/revision/{quote(revision, safe='')}" if revision else ""
        route = f"/api/{repository.kind}/{quote(repository.name)}{at}"
        try:
            found = read(Information, self._get(route, {}, repository, revision), SPEAKS)
        except _NoRouteError as error:
            raise Unavailable(f"{error}: it is no hub.", "Correct HF_ENDPOINT.") from error
        if found.gated:
            self._check_access(Repository(repository.kind, found.id))
        return found

    def files(self, repository: Repository, commit: str, folder: str = "") -> list[HubFile]:
        """All files of a commit, or those below one folder; empty where there is no such folder."""
        below = f"/{quote(folder)}" if folder else ""
        route = f"/api/{repository.kind}/{quote(repository.name)}/tree/{commit}{below}"
        try:
            pages = list(self._pages(route, {"recursive": "true"}, repository, list[_Entry], MAX_FILES))
        except _NoRouteError:
            return self._siblings(repository, commit, folder)
        except NotFound:
            if not folder:
                raise
            return []
        return [entry.file() for entry in pages if entry.type == "file"]

    def search(self, parameters: Mapping[str, str | Sequence[str]], limit: int) -> list[Listed]:
        """Models, as `parameters` of the hub's search say."""
        found = self._pages("/api/models", {**parameters, "limit": str(limit)}, None, list[Listed], limit)
        return [one for one, _ in zip(found, range(limit), strict=False)]

    def _siblings(self, repository: Repository, commit: str, folder: str) -> list[HubFile]:
        """The files as a server lists them that speaks only a part of the API."""
        route = f"/api/{repository.kind}/{quote(repository.name)}/revision/{commit}"
        siblings = read(_Siblings, self._get(route, {"blobs": "true"}, repository, commit), SPEAKS).siblings
        return [one.file() for one in siblings if not folder or one.rfilename.startswith(f"{folder}/")]

    def _check_access(self, repository: Repository) -> None:
        """Raise Forbidden where a gated repository gives this token no files, though everybody may list them."""
        try:
            self._get(f"/api/{repository.kind}/{quote(repository.name)}/auth-check", {}, repository, None)
        except _NoRouteError:
            return  # a mirror without that route: the first file will tell

    def _pages(
        self,
        route: str,
        parameters: Mapping[str, str | Sequence[str]],
        repository: Repository | None,
        kind: Any,
        most: int,
    ) -> Iterator[Any]:
        """The entries of all pages. Of the link to the next one only the query is used: a mirror may pass on a link
        that leads to the hub behind it."""
        asked, count = parameters, 0
        while True:
            response = self._get(route, asked, repository, None)
            entries = read(kind, response, SPEAKS)
            yield from entries
            count += len(entries)
            following = response.links.get("next", {}).get("url")
            if not following or (repository is None and count >= most):
                return
            if not entries or count > most:
                raise Unavailable(f"{self._host} lists more than {most} files in {repository}.", "Name a folder of it.")
            asked = parse_qs(urlsplit(following).query)

    def _get(
        self,
        route: str,
        parameters: Mapping[str, str | Sequence[str]],
        repository: Repository | None,
        revision: str | None,
    ) -> httpx.Response:
        url = self._endpoint + route
        response = ask(self._client, "GET", url, self._headers, params=parameters, hint=REACH)
        if response.is_success:
            return response
        raise _refused(response, self._host, repository, revision)

    @property
    def _host(self) -> str:
        return urlsplit(self._endpoint).hostname or self._endpoint


class _NoRouteError(Exception):
    """The server does not know this route at all, where a hub would name what is missing."""


def _refused(
    response: httpx.Response, host: str, repository: Repository | None, revision: str | None
) -> ModelDeployError | _NoRouteError:
    """What the hub's answer means. It says 401 for a private repository as well as for one that does not exist."""
    status, code = response.status_code, response.headers.get("x-error-code")
    message = response.headers.get("x-error-message", "")
    if status == 429:
        after = response.headers.get("retry-after", "")
        later = f"in {after} s" if after.isdigit() else "in a minute"
        return RateLimited(f"The hub {host} asks for fewer requests.", f"Try again {later}; a token allows for more.")
    if repository is None or status >= 500:
        return refusal(status, f"The hub {host} answered {status}{f' for {repository}' if repository else ''}.")
    if code == "GatedRepo":
        return Forbidden(
            f"{repository} is gated: its owner must grant access.",
            "Accept its terms on the hub's page with your account and set HF_TOKEN to a token of that account.",
        )
    if message == "Access to this resource is disabled.":
        return Forbidden(f"The hub has disabled {repository}.", "Choose another repository.")
    if code == "RevisionNotFound":
        return NotFound(f"{repository} has no revision {revision!r}.", "Check the branch, tag or commit.")
    if code == "EntryNotFound":
        return NotFound(f"{repository} has no such folder.", "Check the path.")
    if status == 401 and message.startswith("Invalid credentials"):
        return NotAuthenticated(f"The hub {host} does not accept the token.", "Make a new one and set HF_TOKEN to it.")
    if status == 401:
        return NotAuthenticated(f"{repository} does not exist or is private.", _spelling(repository))
    if status == 404 and code is None and not message:
        return _NoRouteError(f"{response.request.url.path} is not known to {host}")
    if status == 404:
        return NotFound(f"The hub has no {repository.what} {repository.name}.", _spelling(repository))
    return refusal(status, f"The hub {host} answered {status} for {repository}.")


def _spelling(repository: Repository) -> str:
    other = "hf:datasets/ORG/NAME" if repository.kind == "models" else "hf:ORG/NAME"
    kind = "dataset" if repository.kind == "models" else "model"
    return f"Check the name ({other} names a {kind}); for a private one set HF_TOKEN."
