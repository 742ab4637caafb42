"""What GitHub says of a repository: the REST API of github.com, of an Enterprise server, or of a tenant of ghe.com."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, Field, ValidationError

from jupyter_modeldeploy.errors import (
    Forbidden,
    InvalidInput,
    ModelDeployError,
    NotAuthenticated,
    NotFound,
    RateLimited,
)
from jupyter_modeldeploy.sources.transfer.asking import ask, read, wait_s
from jupyter_modeldeploy.sources.transfer.download import refusal

VERSION = {"X-GitHub-Api-Version": "2022-11-28"}
JSON, RAW, BYTES = "application/vnd.github+json", "application/vnd.github.raw+json", "application/octet-stream"
SECONDARY_WAIT_S = 60.0
"""What the documentation asks to wait after a limit that says nothing of its end."""
REACH = "Check the network; for GitHub Enterprise set GITHUB_API_URL."
SPEAKS = "Is GITHUB_API_URL the address of a GitHub API?"
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Host:
    """A GitHub: the addresses of its API, of its pages and Git, and of raw files, where that is a server of its own."""

    api: str
    web: str
    raw: str | None = None


PUBLIC = Host("https://api.github.com", "https://github.com", "https://raw.githubusercontent.com")


def host() -> Host:
    """The GitHub that GITHUB_API_URL names, else the public one. GITHUB_SERVER_URL names its pages where they are
    neither on the API's host nor on that without `api.`. Raises InvalidInput for what is no URL."""
    api = os.environ.get("GITHUB_API_URL", "").strip().rstrip("/") or PUBLIC.api
    if api == PUBLIC.api:
        return PUBLIC
    parts = urlsplit(api)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"GITHUB_API_URL is {api!r}, not an http(s) address.", "Write https://HOST/api/v3.")
    server = os.environ.get("GITHUB_SERVER_URL", "").strip().rstrip("/")
    return Host(api, server or f"{parts.scheme}://{parts.netloc.removeprefix('api.')}")


class Repository(BaseModel):
    """A repository by its name now, which may be another than it was asked for by."""

    full_name: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")


class Entry(BaseModel):
    """A file or folder of a Git tree; `mode` tells files from links, `sha` is Git's SHA-1."""

    path: str
    mode: str
    type: str
    sha: str = Field(pattern=r"^[0-9a-f]{40}$")
    size: int | None = None

    @property
    def is_file(self) -> bool:
        return self.type == "blob" and self.mode in ("100644", "100755", "100664")


class Asset(BaseModel):
    """A file of a release. Older ones have no `digest`."""

    name: str
    url: str
    browser_download_url: str
    size: int = Field(ge=0)
    digest: str | None = None
    state: str = "uploaded"

    @property
    def sha256(self) -> str | None:
        match = re.fullmatch(r"sha256:([0-9a-f]{64})", self.digest or "")
        return match[1] if match else None


class Release(BaseModel):
    tag_name: str
    assets: list[Asset]


class _Tree(BaseModel):
    tree: list[Entry]
    truncated: bool = False


class _TreeOfCommit(BaseModel):
    sha: str = Field(pattern=r"^[0-9a-f]{40}$")


class _CommitData(BaseModel):
    tree: _TreeOfCommit


class _Commit(BaseModel):
    sha: str = Field(pattern=r"^[0-9a-f]{40}$")
    commit: _CommitData


class _Failure(BaseModel):
    message: str


class GitHubApi:
    """Asks the API of `host`, with `token` if there is one. `client` is closed by whoever made it."""

    def __init__(self, client: httpx.Client, host: Host, token: str | None) -> None:
        self._client, self._host, self._token = client, host, token

    def repository(self, name: str) -> str:
        """The repository's name now. Raises NotFound, NotAuthenticated, Forbidden, RateLimited, Unavailable."""
        missing = f"GitHub has no repository {name}, or it is private."
        hint = "Check the name; the account of GITHUB_TOKEN must be able to read a private one."
        return self._get(Repository, f"/repos/{quote(name)}", NotFound(missing, hint)).full_name

    def commit(self, repository: str, revision: str | None) -> tuple[str, str]:
        """The SHA-1 of the commit that a branch, a tag or a commit names now (else the default branch), and that of
        its tree."""
        missing = NotFound(f"{repository} has no revision {revision!r}.", "Check the branch, tag or commit.")
        if revision is None:
            missing = NotFound(f"{repository} has no commit yet.", "Choose another repository.")
        route = f"/repos/{repository}/commits/{quote(revision or 'HEAD')}"
        found = self._get(_Commit, route, missing, also_missing=(409, 422))
        return found.sha, found.commit.tree.sha

    def files(self, repository: str, tree: str, path: str = "") -> list[Entry]:
        """The files of a tree, or only those at and below `path` where the whole is too large for one answer."""
        listing = self._tree(repository, tree, recursive=True)
        if not listing.truncated:
            return [one for one in listing.tree if one.is_file]
        found: list[Entry] = []
        first, _, rest = path.partition("/")
        for one in self._tree(repository, tree, recursive=False).tree:
            if path and one.path != first:
                continue
            if one.type == "tree":
                inside = self.files(repository, one.sha, rest)
                found += [each.model_copy(update={"path": f"{one.path}/{each.path}"}) for each in inside]
            elif one.is_file:
                found.append(one)
        return found

    def release(self, repository: str, tag: str | None) -> Release:
        """The release of a tag, else the latest that is no draft or pre-release."""
        which = f"tags/{quote(tag)}" if tag else "latest"
        named = f"for the tag {tag!r}" if tag else "at all"
        missing = NotFound(f"{repository} has no release {named}.", "Leave out #release: for the files at that tag.")
        return self._get(Release, f"/repos/{repository}/releases/{which}", missing)

    def blob(self, repository: str, sha: str) -> bytes:
        """The content of a small file."""
        missing = NotFound(f"{repository} has no blob {sha}.", "It is being changed; try again.")
        return self._ask(f"/repos/{repository}/git/blobs/{sha}", missing, accept=RAW).content

    def _tree(self, repository: str, sha: str, *, recursive: bool) -> _Tree:
        missing = NotFound(f"{repository} has no tree {sha}.", "It is being changed; try again.")
        query = {"recursive": "1"} if recursive else None
        return self._get(_Tree, f"/repos/{repository}/git/trees/{sha}", missing, query)

    def _get(
        self,
        kind: type[Answer],
        route: str,
        missing: NotFound,
        params: Mapping[str, str] | None = None,
        also_missing: tuple[int, ...] = (),
    ) -> Answer:
        return read(kind, self._ask(route, missing, params, also_missing), SPEAKS)

    def _ask(
        self,
        route: str,
        missing: NotFound,
        params: Mapping[str, str] | None = None,
        also_missing: tuple[int, ...] = (),
        accept: str = JSON,
    ) -> httpx.Response:
        headers = {"Accept": accept, **VERSION, **bearer(self._token)}
        response = ask(self._client, "GET", self._host.api + route, headers, params=params, hint=REACH)
        if response.is_success:
            return response
        if response.status_code in (404, *also_missing):
            raise missing
        raise refused(response, with_token=self._token is not None)


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def refused(response: httpx.Response, *, with_token: bool) -> ModelDeployError:
    """What an answer other than success means; a limit is told with the time of its end."""
    status, message = response.status_code, _message(response)
    seconds = wait_s(response)
    if status == 429 or (status == 403 and (seconds is not None or "rate limit" in message.lower())):
        seconds = SECONDARY_WAIT_S if seconds is None else seconds
        end = datetime.fromtimestamp(time.time() + seconds).astimezone()
        advice = "" if with_token else " With GITHUB_TOKEN set, many more requests are allowed."
        return RateLimited(
            f"GitHub allows no more requests until {end:%H:%M:%S %Z}.",
            f"Try again in {max(1, round(seconds))} s.{advice}",
            seconds,
        )
    if status == 401:
        return NotAuthenticated(f"GitHub does not accept the token: {message}.", "Set GITHUB_TOKEN to a valid one.")
    if status == 403:
        return Forbidden(f"GitHub refuses: {message}.", "The token in GITHUB_TOKEN needs read access to the contents.")
    return refusal(status, f"{response.request.url.host} answered {status}: {message}.")


def _message(response: httpx.Response) -> str:
    """What the API says of a failure, for people."""
    try:
        return _Failure.model_validate_json(response.content).message.rstrip(".")
    except ValidationError:
        return "no reason given"
