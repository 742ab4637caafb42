"""A GitHub of our own: a local server that speaks the routes of its REST API, raw files, releases and Git LFS.

As on the real one: blobs and trees are named by Git's SHA-1, a recursive tree says where it was cut off, a renamed
repository is redirected by its number, what a token may not see is not there, assets lie on another host."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, quote

from http_files import FileHandler, FileServer

API = "/api/v3"
ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs diff=lfs merge=lfs -text\n"


@dataclass
class Repository:
    """The files of each commit (content, or the target of a link), its names, releases, and what lies in LFS."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    releases: dict[str, dict[str, bytes]] = field(default_factory=dict)
    lfs: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    digests: bool = True

    def commit(self, files: dict[str, bytes], *names: str) -> str:
        """Add a commit that the default branch `main` and `names` point to; its SHA-1 depends on the files alone."""
        listed = sorted((path, blob(content)) for path, content in files.items())
        sha = hashlib.sha1(json.dumps(listed).encode()).hexdigest()
        self.commits[sha] = files
        self.names |= dict.fromkeys(("HEAD", "main", *names), sha)
        return sha

    def pointer(self, content: bytes) -> bytes:
        """Put `content` into LFS; the pointer that Git has of it."""
        oid = hashlib.sha256(content).hexdigest()
        self.lfs[oid] = content
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


class _Handler(FileHandler):
    def answer(self, url: SplitResult, path: str, query: dict[str, str], body: bytes) -> None:
        if self.owner.limit is not None and path.startswith(API):
            status, headers = self.owner.limit
            return self.json({"message": "API rate limit exceeded for 127.0.0.1."}, status, headers)
        if match := re.fullmatch(rf"{API}/(?:repos/([^/]+/[^/]+)|repositories/(\d+))(?:/(.+))?", path):
            return self._api(match[1] or self.owner.numbers[int(match[2])], match[3], query)
        if match := re.fullmatch(r"/raw/([^/]+/[^/]+)/(\w+)/(.+)", path):
            return self._raw(match[1], match[2], match[3])
        if match := re.fullmatch(r"/([^/]+/[^/]+)/releases/download/([^/]+)/([^/]+)", path):
            return self.redirect(f"{self.owner.other_url}/storage/{match[1]}/{match[2]}/{match[3]}?sig=secret")
        if match := re.fullmatch(r"/storage/([^/]+/[^/]+)/([^/]+)/([^/]+)", path):
            return self.content(self.owner.repositories[match[1]].releases[match[2]][match[3]], match[3])
        if match := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return self._batch(match[1], json.loads(body))
        if match := re.fullmatch(r"/lfs/([^/]+/[^/]+)/(\w+)", path):
            return self._large(match[1], match[2], query)
        return self._missing()

    def _api(self, name: str, route: str | None, query: dict[str, str]) -> None:
        if name in self.owner.renamed:
            now = list(self.owner.numbers.values()).index(self.owner.renamed[name])
            rest = f"/{route}" if route else ""
            return self.redirect(f"{self.owner.url}{API}/repositories/{now}{rest}", 301)
        repository = self._visible(name)
        if repository is None:
            return self._missing()
        if route is None:
            return self.json({"id": 1, "full_name": name, "private": repository.token is not None})
        if match := re.fullmatch(r"commits/(.+)", route):
            return self._commit(repository, match[1])
        if match := re.fullmatch(r"git/trees/(\w+)", route):
            return self._tree(repository, match[1], query.get("recursive") is not None)
        if match := re.fullmatch(r"git/blobs/(\w+)", route):
            return self._blob(repository, match[1])
        if match := re.fullmatch(r"releases/(?:tags/(.+)|latest)", route):
            return self._release(name, repository, match[1])
        if match := re.fullmatch(r"releases/assets/(\d+)", route):
            tag, asset = self.owner.assets[int(match[1])]
            return self.redirect(f"{self.owner.other_url}/storage/{name}/{tag}/{quote(asset)}?sig=secret")
        return self._missing()

    def _commit(self, repository: Repository, revision: str) -> None:
        sha = revision if revision in repository.commits else repository.names.get(revision)
        if not repository.commits:
            return self.json({"message": "Git Repository is empty."}, 409)
        if sha is None:
            return self.json({"message": f"No commit found for SHA: {revision}"}, 422)
        self.json({"sha": sha, "commit": {"tree": {"sha": _trees(repository, sha)[""]}}})

    def _tree(self, repository: Repository, tree: str, recursive: bool) -> None:
        for sha, files in repository.commits.items():
            for folder, its in _trees(repository, sha).items():
                if its == tree:
                    entries = _entries(repository, files, folder, _trees(repository, sha))
                    entries = entries if recursive else [one for one in entries if "/" not in one["path"]]
                    cut = recursive and len(entries) > self.owner.entries_at_once
                    return self.json(
                        {
                            "sha": tree,
                            "tree": entries[: self.owner.entries_at_once] if cut else entries,
                            "truncated": cut,
                        }
                    )
        self._missing()

    def _blob(self, repository: Repository, sha: str) -> None:
        for files in repository.commits.values():
            for path, content in files.items():
                if blob(content) == sha:
                    assert self.headers["Accept"] == "application/vnd.github.raw+json"
                    return self.content(content, path, ranges=False)
        self._missing()

    def _raw(self, name: str, sha: str, path: str) -> None:
        repository = self._visible(name)
        if repository is None or path not in repository.commits.get(sha, {}):
            return self._missing()
        self.content(repository.commits[sha][path], path)

    def _release(self, name: str, repository: Repository, tag: str | None) -> None:
        tag = tag or next(reversed(repository.releases), "")
        if tag not in repository.releases:
            return self._missing()
        assets = []
        for asset, content in repository.releases[tag].items():
            number = len(self.owner.assets)
            self.owner.assets.append((tag, asset))
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if repository.digests else None
            assets.append({
                "url": f"{self.owner.url}{API}/repos/{name}/releases/assets/{number}",
                "browser_download_url": f"{self.owner.url}/{name}/releases/download/{tag}/{quote(asset)}",
                "id": number, "name": asset, "size": len(content), "digest": digest, "state": "uploaded",
            })  # fmt: skip
        self.json({"tag_name": tag, "assets": assets})

    def _batch(self, name: str, request: dict[str, Any]) -> None:
        repository: Repository = self.owner.repositories[name]
        if repository.token and "Basic " not in self.headers.get("Authorization", ""):
            return self.json({"message": "Credentials needed"}, 401)
        if self.owner.quota:
            return self.json({"message": "This repository is over its data quota."}, 403)
        objects = [self._object(name, repository, one) for one in request["objects"]]
        self.reply(
            200,
            json.dumps({"transfer": "basic", "objects": objects}).encode(),
            {"Content-Type": "application/vnd.git-lfs+json"},
        )

    def _object(self, name: str, repository: Repository, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted["oid"] not in repository.lfs:
            return {**wanted, "error": {"code": 404, "message": "Object does not exist"}}
        self.owner.granted += 1
        href = f"{self.owner.other_url}/lfs/{name}/{wanted['oid']}?sig={self.owner.granted}"
        return {
            **wanted,
            "authenticated": True,
            "actions": {"download": {"href": href, "header": {"X-Pass": "granted"}, "expires_in": 3600}},
        }

    def _large(self, name: str, oid: str, query: dict[str, str]) -> None:
        if self.headers.get("X-Pass") != "granted" or int(query["sig"]) <= self.owner.expired:
            return self.reply(403, b"", {})
        self.content(self.owner.repositories[name].lfs[oid], oid)

    def _visible(self, name: str) -> Repository | None:
        repository: Repository | None = self.owner.repositories.get(name)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return None if repository and repository.token and token != repository.token else repository

    def _missing(self) -> None:
        self.json({"message": "Not Found"}, 404)


class GitHub(FileServer):
    """`repositories` by `owner/name`, `renamed` ones by their old name; `entries_at_once` is where a recursive tree
    ends, `limit` the status and headers of a used-up rate limit, `expired` the last LFS link that no longer holds."""

    handler = _Handler

    def __init__(self) -> None:
        super().__init__()
        self.api = self.url + API
        self.repositories: dict[str, Repository] = defaultdict(Repository)
        self.renamed: dict[str, str] = {}
        self.assets: list[tuple[str, str]] = []
        self.entries_at_once = 100_000
        self.limit: tuple[int, dict[str, str]] | None = None
        self.quota = False
        self.granted = self.expired = 0

    @property
    def numbers(self) -> dict[int, str]:
        return dict(enumerate(self.repositories))

    def use_up(self, status: int, seconds: int) -> None:
        """Allow no more requests for so many seconds."""
        reset = str(int(time.time()) + seconds)
        self.limit = (status, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _trees(repository: Repository, sha: str) -> dict[str, str]:
    """A name for each folder of a commit, the top one under ""."""
    folders = {str(one) for path in repository.commits[sha] for one in PurePosixPath(path).parents}
    return {folder.removeprefix("."): hashlib.sha1(f"{sha}{folder}".encode()).hexdigest() for folder in folders | {"."}}


def _entries(
    repository: Repository, files: dict[str, bytes], folder: str, trees: dict[str, str]
) -> list[dict[str, Any]]:
    below = f"{folder}/" if folder else ""
    found: list[dict[str, Any]] = []
    for path, tree in sorted(trees.items()):
        if path.startswith(below) and path not in ("", folder):
            found.append({"path": path.removeprefix(below), "mode": "040000", "type": "tree", "sha": tree})
    for path, content in sorted(files.items()):
        if path.startswith(below):
            found.append(
                {
                    "path": path.removeprefix(below),
                    "mode": "100644",
                    "type": "blob",
                    "sha": blob(content),
                    "size": len(content),
                }
            )
    for path, target in repository.links.items():
        if path.startswith(below):
            found.append(
                {
                    "path": path.removeprefix(below),
                    "mode": "120000",
                    "type": "blob",
                    "sha": blob(target.encode()),
                    "size": len(target),
                }
            )
    found.append({"path": "submodule", "mode": "160000", "type": "commit", "sha": "0" * 40})
    return found
