"""A ModelScope of our own: a local server that speaks the routes its client and ours use.

As on the real one: a listing of a model's files stops at so many entries without saying so, a dataset's comes by
pages; large files are redirected to another host, small ones come at once and whole whatever range is asked for; the
commit of a listing is told only in short."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, quote

from http_files import FileHandler, FileServer

LARGE_SUFFIXES = (".safetensors", ".bin", ".onnx", ".pt", ".gguf")
DESCRIPTION = {"downloads": 7, "likes": 3, "license": "apache-2.0", "tasks": ["text-classification"], "gated": False}


@dataclass
class Repository:
    """The files of each commit; branches and tags name commits. With a `token` it is private."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    token: str | None = None

    def commit(self, files: dict[str, bytes], *tags: str) -> str:
        """Add a commit that `master` and `tags` point to; its SHA-1 depends on the files alone."""
        listed = sorted((path, hashlib.sha256(content).hexdigest()) for path, content in files.items())
        sha = hashlib.sha1(json.dumps(listed).encode()).hexdigest()
        self.commits[sha] = files
        self.branches["master"] = sha
        self.tags |= dict.fromkeys(tags, sha)
        return sha

    def find(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.branches.get(revision) or self.tags.get(revision)


class _Handler(FileHandler):
    partial_status = HTTPStatus.OK  # as its delivery network has it, with Content-Range

    def answer(self, url: SplitResult, path: str, query: dict[str, str], body: bytes) -> None:
        if path == "/openapi/v1/models":
            return self._search(query)
        if path == "/api/v1/repos/internalAccelerationInfo":
            return self._data({"InternalRegionQueryAddress": ""})
        if match := re.fullmatch(r"/cdn/(models|datasets)/([^/]+/[^/]+)/(\w+)/(.+)", path):
            return self.content(self.owner.repositories[match[1], match[2]].commits[match[3]][match[4]], match[4])
        match = re.fullmatch(r"/api/v1/(models|datasets)/([^/]+/[^/]+)(?:/(.+))?", path)
        if match is None:
            return self._refuse(404, 404, "page not found")
        kind, name, rest = match.groups()
        repository: Repository | None = self.owner.repositories.get((kind, name))
        token = repository.token if repository else None
        allowed = token is None or f"m_session_id={token}" in self.headers.get("Cookie", "")
        if repository is None or not (allowed or self.headers.get("Authorization") == f"Bearer {token}"):
            return self._refuse(404, 10010205001, "record not found")
        self._repository(kind, name, repository, rest, query)

    def _repository(
        self, kind: str, name: str, repository: Repository, rest: str | None, query: dict[str, str]
    ) -> None:
        if rest is None:
            return self._data({"Path": name.partition("/")[0], "Name": name.partition("/")[2], "Revision": "master"})
        if rest == "revisions":
            named = {"Branches": repository.branches, "Tags": repository.tags}
            return self._data({"RevisionMap": {key: [{"Revision": one} for one in d] for key, d in named.items()}})
        if rest == "commits":
            sha = repository.find(query["Ref"])
            return self._data(
                {"Commit": [{"Id": sha, "ShortId": sha[:8]}] if sha else None, "TotalCount": int(bool(sha))}
            )
        sha = repository.find(query.get("Revision", "master"))
        if sha is None:
            return self._refuse(404, 10010205002, f"revision {query.get('Revision')} not found")
        files = repository.commits[sha]
        if rest == "repo":
            return self._file(kind, name, sha, files, query["FilePath"])
        if (kind, rest) in (("models", "repo/files"), ("datasets", "repo/tree")):
            listed = _tree(files, query.get("Root", "").strip("/"), query.get("Recursive", "").lower() == "true", sha)
            return self._data(
                {"Files": self._cut(kind, listed, query), "LatestCommitter": {"Id": "", "ShortId": sha[:8]}}
            )
        return self._refuse(404, 404, "page not found")

    def _cut(self, kind: str, listed: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
        if kind == "models":
            return listed[: self.owner.listed_at_once]
        number, size = int(query.get("PageNumber", 1)), int(query.get("PageSize", 200))
        return listed[(number - 1) * size : number * size]

    def _file(self, kind: str, name: str, sha: str, files: dict[str, bytes], path: str) -> None:
        if path not in files:
            return self._refuse(404, 10010205003, f"{path} not found")
        if path.endswith(LARGE_SUFFIXES):
            return self.redirect(f"{self.owner.other_url}/cdn/{kind}/{name}/{sha}/{quote(path)}?Signature=secret")
        self.content(files[path], path, ranges=False)

    def _search(self, query: dict[str, str]) -> None:
        words = query.get("search", "").lower()
        names = [name for kind, name in self.owner.repositories if kind == "models" and words in name.lower()]
        number, size = int(query["page_number"]), int(query["page_size"])
        models = [{"id": name, **DESCRIPTION} for name in names[(number - 1) * size : number * size]]
        self.json({"success": True, "data": {"models": models, "total_count": len(names), "page_number": number}})

    def _data(self, data: Any) -> None:
        self.json({"Code": 200, "Data": data, "Message": "success", "RequestId": "1", "Success": True})

    def _refuse(self, status: int, code: int, message: str) -> None:
        self.json({"Code": code, "Data": None, "Message": message, "RequestId": "1", "Success": False}, status)


class ModelScopeHub(FileServer):
    """`repositories` by kind (`models`, `datasets`) and name. `listed_at_once` is where a model's listing stops."""

    handler = _Handler

    def __init__(self) -> None:
        super().__init__()
        self.repositories: dict[tuple[str, str], Repository] = defaultdict(Repository)
        self.listed_at_once = 3000


def _tree(files: dict[str, bytes], root: str, recursive: bool, sha: str) -> list[dict[str, Any]]:
    """The entries below `root`, folders too; those at its top only, unless `recursive`."""
    below = f"{root}/" if root else ""
    inside = [path for path in files if path.startswith(below)]
    folders = {str(one) for path in inside for one in PurePosixPath(path).parents if str(one).startswith(below or root)}
    paths = [*sorted(folders - {".", root}), *inside]
    if not recursive:
        paths = [path for path in paths if "/" not in path.removeprefix(below)]
    return [_entry(path, files.get(path), sha) for path in paths]


def _entry(path: str, content: bytes | None, sha: str) -> dict[str, Any]:
    entry = {
        "Name": PurePosixPath(path).name,
        "Path": path,
        "Revision": sha,
        "Mode": "33188",
        "CommittedDate": 1753546348,
    }
    if content is None:
        return {**entry, "Type": "tree", "Size": 0, "Sha256": "", "IsLFS": False}
    digest = hashlib.sha256(content).hexdigest()
    return {**entry, "Type": "blob", "Size": len(content), "Sha256": digest, "IsLFS": path.endswith(LARGE_SUFFIXES)}
