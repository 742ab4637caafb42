"""Files of a GitHub repository at a commit, also those in Git LFS, and the assets of its releases."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import quote

from jupyter_modeldeploy.errors import Forbidden, InvalidInput, NotFound
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.choosing.placing import places
from jupyter_modeldeploy.sources.hubs import git_lfs, github_api
from jupyter_modeldeploy.sources.hubs.github_api import BYTES, PUBLIC, RAW, VERSION, Asset, Entry, GitHubApi, bearer
from jupyter_modeldeploy.sources.places import one_file
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer import network
from jupyter_modeldeploy.sources.transfer.cache import Cache

NAME = re.compile(r"^[\w.-]+/[\w.-]+$")
RELEASE = "release:"
LFS_OBJECT = re.compile(r"^(.+\.git/info/lfs)/objects/([0-9a-f]{64})$")
AT_ONCE = 8


class GitHubSource:
    """`gh:owner/repo@revision#path` for files, `gh:owner/repo@tag#release:PATTERN` for assets of a release.

    The revision is a branch, a tag or a commit, else the default branch; the path a folder or one file. A pattern is
    as in `fnmatch`; archives among the assets are unpacked, `PATTERN/path/inside` names a part of them. Links and
    submodules are left out."""

    local: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._host = github_api.host()
        self._token = (os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or "").strip() or None
        self._links: dict[str, git_lfs.Link] = {}

    @property
    def allowed_hosts(self) -> Sequence[str]:
        """The servers that the user set up, which may be machines of a private network."""
        return () if self._host == PUBLIC else (self._host.api, self._host.web)

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        if not NAME.match(reference.name):
            raise InvalidInput(f"{reference.name!r} is not a repository's name.", "Write gh:OWNER/REPO@REVISION#PATH.")
        with network.client(self.allowed_hosts) as client:
            api = GitHubApi(client, self._host, self._token)
            repository = api.repository(reference.name)
            if (asset := _asset(reference)) is not None:
                return self._release(api, repository, reference, *asset, selection)
            return self._files(api, repository, reference, selection)

    def headers(self, url: str) -> dict[str, str]:
        """Credentials and the media type, by which the API gives bytes where it would describe them."""
        if url in self._links:
            return dict(self._links[url].headers)
        if url.startswith(f"{self._host.api}/"):
            accept = BYTES if "/releases/assets/" in url else RAW
            return {"Accept": accept, **VERSION, **bearer(self._token)}
        if self._host.raw is not None and url.startswith(f"{self._host.raw}/"):
            return bearer(self._token)
        return {}

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        message = f"Downloading {reference.name}"
        if (asset := _asset(reference)) is None:
            return self._place_files(resolution.files, cache, into, reporter, message)
        contents = cache.get(resolution.files, reporter, message)
        for file, content in zip(resolution.files, contents, strict=True):
            if len(contents) == 1 or archive.is_archive(file.path):
                one_file.put(content, file.path, asset[1], into, resolution.selection)
            else:
                cache.place([file], into, reporter, message)

    def _place_files(
        self, files: Sequence[RemoteFile], cache: Cache, into: Path, reporter: Reporter, message: str
    ) -> None:
        """Those in LFS come by links that are asked for now, and once more where they ran out on the way."""
        try:
            cache.place(self._linked(files, cache), into, reporter, message)
        except Forbidden:
            if not self._links:
                raise
            cache.place(self._linked(files, cache), into, reporter, message)

    def _files(self, api: GitHubApi, repository: str, reference: Reference, selection: Selection) -> Resolution:
        path = (reference.path or "").strip("/")
        commit, tree = api.commit(repository, reference.revision)
        entries = {one.path: one for one in api.files(repository, tree, path)}
        wanted = places(list(entries), path, str(reference), selection)
        pointers = self._pointers(api, repository, entries, list(wanted))
        files = []
        for name, place in wanted.items():
            entry, pointer = entries[name], pointers.get(name)
            if pointer is not None:
                url = f"{self._host.web}/{repository}.git/info/lfs/objects/{pointer.oid}"
                files.append(RemoteFile(path=place, url=url, size=pointer.size, sha256=pointer.oid))
            else:
                url = self._url(repository, commit, entry)
                files.append(RemoteFile(path=place, url=url, size=entry.size, git_sha1=entry.sha))
        at = f"#{path}" if path else ""
        return Resolution(source=f"gh:{repository}@{commit}{at}", files=files)

    def _release(
        self, api: GitHubApi, repository: str, reference: Reference, pattern: str, inside: str, selection: Selection
    ) -> Resolution:
        release = api.release(repository, reference.revision)
        there = [one for one in release.assets if one.state == "uploaded"]
        wanted = [one for one in there if fnmatchcase(one.name, pattern)]
        names = ", ".join(one.name for one in there)
        if not wanted:
            raise NotFound(f"{repository} {release.tag_name} has no asset {pattern!r}.", f"It has {names or 'none'}.")
        if inside and not all(archive.is_archive(one.name) for one in wanted):
            raise InvalidInput(
                f"Not every asset {pattern!r} is an archive that may hold {inside!r}.", f"It has {names}."
            )
        files = [self._asset_file(one) for one in wanted]
        at = f"#{RELEASE}{pattern}{f'/{inside}' if inside else ''}"
        return Resolution(source=f"gh:{repository}@{release.tag_name}{at}", files=files, selection=selection)

    def _asset_file(self, asset: Asset) -> RemoteFile:
        """By the API where it must be (a token) or should be: its address alone says which upload it is."""
        url = asset.url if self._token or asset.sha256 is None else asset.browser_download_url
        place = str(archive.relative_path(asset.name, asset.browser_download_url))
        return RemoteFile(path=place, url=url, size=asset.size, sha256=asset.sha256)

    def _url(self, repository: str, commit: str, entry: Entry) -> str:
        if self._host.raw is not None:
            return f"{self._host.raw}/{repository}/{commit}/{quote(entry.path)}"
        return f"{self._host.api}/repos/{repository}/git/blobs/{entry.sha}"

    def _pointers(
        self, api: GitHubApi, repository: str, entries: dict[str, Entry], wanted: Sequence[str]
    ) -> dict[str, git_lfs.Pointer]:
        """The wanted files that Git has only a pointer to. Looked into are small ones, where LFS is used at all."""
        folders = {PurePosixPath("."), *(parent for name in wanted for parent in PurePosixPath(name).parents)}
        attributes = [str(folder / git_lfs.ATTRIBUTES) for folder in folders]
        if not any(git_lfs.is_used(api.blob(repository, entries[one].sha)) for one in attributes if one in entries):
            return {}
        small = [name for name in wanted if git_lfs.may_be_pointer(entries[name].size)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda name: git_lfs.pointer(api.blob(repository, entries[name].sha)), small)
            return {name: pointer for name, pointer in zip(small, found, strict=True) if pointer is not None}

    def _linked(self, files: Sequence[RemoteFile], cache: Cache) -> list[RemoteFile]:
        """The files; those in LFS that are not in the cache with a link, which holds for an hour or so."""
        servers = [match[1] if (match := LFS_OBJECT.match(file.url)) else None for file in files]
        missing = [
            git_lfs.Pointer(file.sha256 or "", file.size or 0)
            for file, server in zip(files, servers, strict=True)
            if server and not cache.exists([file])
        ]
        if not missing or self._settings.offline:
            return list(files)
        with network.client(self.allowed_hosts) as client:
            found = git_lfs.links(client, next(filter(None, servers)), missing, self._basic())
        self._links |= {link.href: link for link in found.values()}
        hrefs = {oid: link.href for oid, link in found.items()}
        return [file.model_copy(update={"url": hrefs.get(file.sha256 or "", file.url)}) for file in files]

    def _basic(self) -> dict[str, str]:
        """The token as Git's own routes want it."""
        if not self._token:
            return {}
        return {"Authorization": f"Basic {base64.b64encode(f'x-access-token:{self._token}'.encode()).decode()}"}


def _asset(reference: Reference) -> tuple[str, str] | None:
    """The pattern of the assets that a reference names and the path inside of them, if it names any."""
    path = (reference.path or "").strip("/")
    if not path.startswith(RELEASE):
        return None
    pattern, _, inside = path.removeprefix(RELEASE).partition("/")
    return pattern, inside
