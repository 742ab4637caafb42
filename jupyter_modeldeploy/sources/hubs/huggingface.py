"""Models and datasets of the Hugging Face Hub, or of a server that speaks its HTTP API (`HF_ENDPOINT`, `HF_TOKEN`)."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import quote, urlsplit

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import FoundModel
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources.choosing.placing import places
from jupyter_modeldeploy.sources.hubs import hub_cache
from jupyter_modeldeploy.sources.hubs.hub_api import HubApi, HubFile, Listed, Repository
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer import network
from jupyter_modeldeploy.sources.transfer.cache import Cache

DATASETS = "datasets/"
NAME = re.compile(r"(?!.*(--|\.\.))([A-Za-z0-9_][\w.-]{0,95}/)?[A-Za-z0-9_][\w.-]{0,95}(?<![.-])(?<!\.git)", re.ASCII)
SORTS = {
    "relevance": None,
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
    "trending": "trendingScore",
}
FILTERS = {"author": "author", "library": "filter"}
TOLD = ("downloads", "gated", "lastModified", "likes", "pipeline_tag", "tags")


class HuggingFaceSource:
    """`hf:org/name@revision#path`, a dataset as `hf:datasets/org/name`.

    The revision is a branch, a tag, a commit or `refs/pr/N`, else the main branch; the path a folder or one file."""

    local: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._near = hub_cache.HubCache(hub_cache.folder())

    @property
    def offline(self) -> bool:
        """Whether `HF_HUB_OFFLINE` forbids asking the hub, also where the workspace is not offline."""
        return self._settings.offline or hub_cache.is_offline()

    @property
    def allowed_hosts(self) -> list[str]:
        """The hub that the environment names, which may be in a private network."""
        return [_endpoint()]

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        if self.offline:
            return self._resolve_offline(reference, selection)
        repository = _repository(reference)
        with network.client(self.allowed_hosts) as client:
            api = HubApi(client, _endpoint(), _token())
            found = api.information(repository, reference.revision)
            repository = Repository(repository.kind, found.id)
            return _resolution(
                repository, found.sha, reference, selection, _below(api, repository, found.sha, reference)
            )

    def nearby(self, file: RemoteFile) -> Path | None:
        """Where the hub's own client keeps what is said to be this file's content; its hash is still to be checked."""
        return self._near.blob(file)

    def headers(self, url: str) -> dict[str, str]:
        token = _token()
        if token and urlsplit(url)[:2] == urlsplit(_endpoint())[:2]:
            return {"Authorization": f"Bearer {token}"}
        return {}

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        cache.place(resolution.files, into, reporter, f"Downloading {reference.name}")

    def search(self, query: str, task: str | None, sort: str, limit: int) -> list[FoundModel]:
        """The models whose name holds the words of `query`, at most `limit`, the first by `sort` first.

        In the query `author:NAME` and `library:NAME` keep only those. Raises InvalidInput for an unknown `sort`,
        Unavailable where the hub cannot be asked."""
        if sort not in SORTS:
            raise InvalidInput(f"{sort!r} is no order.", f"Write one of {', '.join(SORTS)}.")
        if self.offline:
            raise Unavailable("The hub cannot be searched offline.", "Unset HF_HUB_OFFLINE to search.")
        words: list[str] = []
        parameters: dict[str, str | list[str]] = {"expand": list(TOLD)}
        for word in query.split():
            name, _, value = word.partition(":")
            if value and name in FILTERS:
                parameters[FILTERS[name]] = value
            else:
                words.append(word)
        named = {"search": " ".join(words), "pipeline_tag": task, "sort": SORTS[sort]}
        parameters |= {name: value for name, value in named.items() if value}
        with network.client(self.allowed_hosts) as client:
            return [_found(one) for one in HubApi(client, _endpoint(), _token()).search(parameters, limit)]

    def _resolve_offline(self, reference: Reference, selection: Selection) -> Resolution:
        """From what the hub's own client keeps. Which of its files are there is for `Cache.get` to say."""
        repository = _repository(reference)
        commit = self._near.commit(repository, reference.revision)
        files = self._near.files(repository, commit) if commit else []
        if commit is None or not files:
            raise Unavailable(
                f"{reference} is neither in the cache nor in that of the hub's client, and we are offline.",
                "Fetch it once with a network: unset JUPYTER_MODELDEPLOY_OFFLINE and HF_HUB_OFFLINE.",
            )
        return _resolution(repository, commit, reference, selection, files)


def _resolution(
    repository: Repository, commit: str, reference: Reference, selection: Selection, files: list[HubFile]
) -> Resolution:
    """The chosen ones of `files`, which are those of the wanted folder, or the one wanted file, at their places."""
    path = _path(reference)
    known = {file.path: file for file in files}
    chosen = places(list(known), path, str(reference), selection, whole=repository.kind == "datasets")
    at = f"{_endpoint()}/{repository}/resolve/{commit}"
    remote = [
        RemoteFile(path=place, url=f"{at}/{quote(name)}", **known[name].model_dump(exclude={"path"}))
        for name, place in chosen.items()
    ]
    return Resolution(source=f"hf:{repository}@{commit}{f'#{path}' if path else ''}", files=remote)


def _below(api: HubApi, repository: Repository, commit: str, reference: Reference) -> list[HubFile]:
    """The files of the wanted folder, or the one file; all that there are where it is neither."""
    path = _path(reference)
    files = api.files(repository, commit, path)
    if not path or files:
        return _within(files, path)
    folder = str(PurePosixPath(path).parent).removeprefix(".")
    one = [file for file in api.files(repository, commit, folder) if file.path == path]
    return one or api.files(repository, commit)


def _within(files: list[HubFile], path: str) -> list[HubFile]:
    return [file for file in files if not path or file.path == path or file.path.startswith(f"{path}/")]


def _repository(reference: Reference) -> Repository:
    name = reference.name.removeprefix(DATASETS)
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{reference.name!r} is not a repository's name.", "Write hf:ORG/NAME@REVISION or hf:datasets/ORG/NAME."
        )
    return Repository("models" if name == reference.name else "datasets", name)


def _path(reference: Reference) -> str:
    return (reference.path or "").strip("/")


def _found(one: Listed) -> FoundModel:
    license = next((tag.removeprefix("license:") for tag in one.tags if tag.startswith("license:")), None)
    return FoundModel(
        source=f"hf:{one.id}",
        task=one.pipeline_tag,
        license=license,
        downloads=one.downloads,
        likes=one.likes,
        gated=bool(one.gated),
        updated_at=one.lastModified,
    )


def _endpoint() -> str:
    """The hub that the environment names now, else the public one."""
    from huggingface_hub.constants import ENDPOINT

    chosen = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or ENDPOINT
    if urlsplit(chosen).scheme not in ("http", "https") or not urlsplit(chosen).hostname:
        raise InvalidInput(f"HF_ENDPOINT is {chosen!r}, not an http(s) address.", "Write one as https://HOST.")
    return chosen


def _token() -> str | None:
    """The user's token as the hub's own client finds it: HF_TOKEN, else the file that logging in writes."""
    from huggingface_hub import constants, get_token

    return None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
