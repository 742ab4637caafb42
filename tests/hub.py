"""A hub of our own: a local server that speaks the model hub's HTTP API, and can be told to misbehave.

Routes, statuses and headers are the real hub's, as `huggingface_hub` asks for them: information on a model or a
dataset, the tree of a commit in pages, `resolve` with ETags and ranges (a small file is redirected to a cache of the
hub, a large one to where the content lies, on another host), the search, gated, private and renamed repositories."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from http_thread import Unlogged, answering
from hub_repositories import Blob, Repository, Zeros, entries, is_large, sibling

__all__ = ["Blob", "Fault", "Hub", "Repository", "Request", "Zeros", "serving"]

API = re.compile(
    r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+(?:/[^/]+)?)/(?P<rest>revision|tree|auth-check)(?P<at>/.*)?"
)
RESOLVE = re.compile(r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)/resolve/(?P<at>[^/]+)/(?P<path>.+)")
STORED = re.compile(
    r"/(?:api/resolve-cache/(?P<kind>models|datasets)|content)/(?P<name>.+)/(?P<sha>[0-9a-f]{40})/(?P<path>.+)"
)
SORTS = ("downloads", "likes", "lastModified", "trendingScore", "createdAt")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request."""

    drop_after: int | None = None
    """Close the connection after so many bytes of the body."""
    stall_after: int | None = None
    """Send so many bytes of the body and then nothing until the other side has gone."""
    content: bytes | None = None
    """Send this in place of the file, with an ETag of its own."""
    damage: bool = False
    """Send a body with one wrong byte."""
    status: int | None = None
    """Answer only this status."""
    retry_after: int | None = None
    ignore_range: bool = False


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    range: str | None
    authorized: bool


class Hub:
    """The running server: its `url`, `repositories` by name (`datasets/org/name` for a dataset), `moved` old names with
    the new ones, `faults` by file path and `api_faults` of listings (used up one a request), and `requests`."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = defaultdict(Repository)
        self.moved: dict[str, str] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.api_faults: list[Fault] = []
        self.invalid_tokens: set[str] = set()
        self.page = 1000
        self.xet = False
        self.only_information = False
        """Whether it knows no trees and no access checks, as simple mirrors do."""
        self.requests: list[Request] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.content_url = f"http://localhost:{self.server.server_port}"  # to clients, another host
        self.links_url = self.url

    def contents(self) -> list[Request]:
        """The requests for the bytes of files."""
        return [one for one in self.requests if one.method == "GET" and (RESOLVE.fullmatch(one.path) or _stored(one))]

    def served(self) -> list[Request]:
        """Those of them that were not redirected on."""
        return [one for one in self.contents() if _stored(one)]

    def asked(self) -> list[Request]:
        """The requests for listings."""
        return [one for one in self.requests if one.path.startswith("/api/") and not _stored(one)]


def _stored(request: Request) -> bool:
    return STORED.fullmatch(request.path) is not None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    with answering(hub.server):
        yield hub


class _Handler(Unlogged, BaseHTTPRequestHandler):
    hub: ClassVar[Hub]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a small answer waits 40 ms for the acknowledgement of its headers
    wbufsize = 1 << 16

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path, query = unquote(url.path), parse_qs(url.query)
        request = Request(self.command, path, self.headers.get("Range"), "Authorization" in self.headers)
        self.hub.requests.append(request)
        if self.hub.api_faults and request in self.hub.asked():
            return self._fail(self.hub.api_faults.pop(0))
        if path == "/api/models":
            return self._search(query)
        if match := STORED.fullmatch(path):
            return self._content(match["name"], match["sha"], match["path"], api=match["kind"])
        if match := RESOLVE.fullmatch(path):
            return self._resolve((match["kind"] or "") + match["name"], url.path.split("/resolve/")[1])
        if match := API.fullmatch(path):
            return self._api(match["kind"], match["name"], match["rest"], url.path, query)
        if match := re.fullmatch(r"/api/(models|datasets)/([^/]+(?:/[^/]+)?)", path):
            return self._api(match[1], match[2], "revision", f"{url.path}/revision/main", query)
        self._send(HTTPStatus.NOT_FOUND, b"Sorry, we can't find the page you are looking for.", {})

    def _api(self, kind: str, name: str, route: str, raw: str, query: dict[str, list[str]]) -> None:
        if new := self.hub.moved.get(name):
            where = self.path.replace(f"/api/{kind}/{name}", f"/api/{kind}/{new}")
            return self._send(HTTPStatus.TEMPORARY_REDIRECT, b"", {"Location": where})
        if self.hub.only_information and route != "revision":
            return self._send(HTTPStatus.NOT_FOUND, b"no such route", {})
        full = name if kind == "models" else f"{kind}/{name}"
        after = [unquote(part) for part in raw.split(f"/{route}/", 1)[-1].split("/", 1)]
        if route == "auth-check":
            return self._json({}) if self._repository(full, files=True) else None
        found = self._commit(full, after[0], files=False)
        if found is None:
            return None
        if route == "tree":
            return self._tree(full, after[1] if len(after) > 1 else "", found, query, urlsplit(self.path).path)
        return self._information(kind, name, found[0], self.hub.repositories[full], "blobs" in query)

    def _information(self, kind: str, name: str, sha: str, repository: Repository, blobs: bool) -> None:
        siblings = [sibling(path, blob, blobs) for path, blob in repository.commits[sha].items()]
        model = {"modelId": name} if kind == "models" else {}
        self._json({**repository.told(name), **model, "sha": sha, "disabled": False, "siblings": siblings})

    def _tree(
        self, name: str, folder: str, found: tuple[str, dict[str, Blob]], query: dict[str, list[str]], route: str
    ) -> None:
        listed = entries(found[1], folder, self.hub.xet)
        if folder and not listed:
            return self._refuse(404, "EntryNotFound", f"{folder} does not exist on {name}")
        if query.get("recursive", ["false"])[0].lower() != "true":
            listed = [one for one in listed if "/" not in one["path"][len(folder) :].strip("/")]
        self._page(listed, self.hub.page, query, route)

    def _search(self, query: dict[str, list[str]]) -> None:
        first = {name: values[0] for name, values in query.items()}
        sort = first.get("sort", "trendingScore")
        if sort not in SORTS:
            return self._refuse(400, "", "Invalid sort")
        found = [
            {**one.told(name), "modelId": name}
            for name, one in self.hub.repositories.items()
            if not name.startswith("datasets/")
            and all(word in name.lower() for word in first.get("search", "").lower().split())
            and first.get("author", name.partition("/")[0]) == name.partition("/")[0]
            and first.get("pipeline_tag", one.task) == one.task
            and first.get("filter", one.library) in (one.library, *one.tags)
        ]
        found.sort(key=lambda one: one[sort], reverse=True)
        if "expand" in query:
            found = [{name: one[name] for name in ("_id", "id", "modelId", *query["expand"])} for one in found]
        self._page(found, min(int(first.get("limit", 1000)), self.hub.page), query, "/api/models")

    def _page(self, listed: list[Any], size: int, query: dict[str, list[str]], route: str) -> None:
        """One page, and a link to the next one if there is more."""
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + size < len(listed):
            following = urlencode({**query, "limit": [str(size)], "cursor": [str(start + size)]}, doseq=True)
            headers["Link"] = f'<{self.hub.links_url}{route}?{following}>; rel="next"'
        self._json(listed[start : start + size], headers)

    def _resolve(self, name: str, rest: str) -> None:
        revision, path = (unquote(part) for part in rest.split("/", 1))
        if new := self.hub.moved.get(name):
            return self._send(HTTPStatus.TEMPORARY_REDIRECT, b"", {"Location": self.path.replace(name, new, 1)})
        found = self._commit(name, revision, files=True)
        if found is None:
            return None
        sha, files = found
        if path not in files:
            return self._refuse(404, "EntryNotFound", "Entry not found")
        blob, headers = files[path], {"X-Repo-Commit": sha}
        if not is_large(path):
            kind = "datasets" if name.startswith("datasets/") else "models"
            below = quote(f"{name.removeprefix('datasets/')}/{sha}/{path}")
            etag = quote(f'"{blob.git_sha1}"')
            headers["Location"] = f"/api/resolve-cache/{kind}/{below}?etag={etag}"
            return self._send(HTTPStatus.TEMPORARY_REDIRECT, b"", headers)
        if self.hub.xet:
            link = f'<{self.hub.url}/api/models/{name}/xet-read-token/{sha}>; rel="xet-auth"'
            headers |= {"X-Xet-Hash": blob.sha256[::-1], "Link": link}
        headers |= {
            "X-Linked-ETag": f'"{blob.sha256}"',
            "X-Linked-Size": str(blob.size),
            "Location": f"{self.hub.content_url}/content/{quote(f'{name}/{sha}/{path}')}",
        }
        self._send(HTTPStatus.FOUND, b"", headers)

    def _repository(self, name: str, files: bool) -> Repository | None:
        """The repository, or None after an answer that says why not, as the hub does."""
        repository = self.hub.repositories.get(name)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token in self.hub.invalid_tokens:
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif repository is None or (repository.token not in (None, token) and not repository.gated):
            status, message = (404, "Repository not found") if token else (401, "Invalid username or password.")
            self._refuse(status, "RepoNotFound", message)
        elif files and repository.gated and token != repository.token:
            self._refuse(403 if token else 401, "GatedRepo", f"Access to model {name} is restricted.")
        else:
            return repository
        return None

    def _commit(self, name: str, revision: str, files: bool) -> tuple[str, dict[str, Blob]] | None:
        repository = self._repository(name, files)
        sha = repository.find(revision) if repository else None
        if repository and sha:
            return sha, repository.commits[sha]
        if repository:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return None

    def _content(self, name: str, sha: str, path: str, api: str | None) -> None:
        waiting = self.hub.faults[path] if self.command == "GET" else []
        fault = waiting.pop(0) if waiting else Fault()
        if fault.status is not None:
            return self._fail(fault)
        full = f"datasets/{name}" if api == "datasets" else name
        blob = self.hub.repositories[full].commits[sha][path] if fault.content is None else Blob(fault.content)
        etag = f'"{blob.git_sha1 if api else blob.sha256[:32]}"'
        headers = {"ETag": etag, "Accept-Ranges": "bytes"} | ({"X-Repo-Commit": sha} if api else {})
        wanted = self._range(etag, blob.size, fault)
        if wanted is None:
            return self._body(HTTPStatus.OK, blob, (0, blob.size), headers, fault)
        if wanted[0] >= blob.size:
            return self._send(416, b"", {"Content-Range": f"bytes */{blob.size}"})
        headers["Content-Range"] = f"bytes {wanted[0]}-{wanted[1] - 1}/{blob.size}"
        self._body(HTTPStatus.PARTIAL_CONTENT, blob, wanted, headers, fault)

    def _range(self, etag: str, size: int, fault: Fault) -> tuple[int, int] | None:
        """Where the wanted range begins and ends; None for all, also where If-Range names another revision."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", etag) == etag
        if match is None or not same or fault.ignore_range:
            return None
        return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size

    def _body(self, status: int, blob: Blob, part: tuple[int, int], headers: dict[str, str], fault: Fault) -> None:
        self._head(status, {**headers, "Content-Length": str(part[1] - part[0])})
        if self.command == "HEAD":
            return
        stop = fault.drop_after if fault.stall_after is None else fault.stall_after
        end = part[1] if stop is None else min(part[1], part[0] + stop)
        for index, chunk in enumerate(blob.read(part[0], end)):
            self.wfile.write(bytes([chunk[0] ^ 1]) + chunk[1:] if fault.damage and index == 0 else chunk)
        self.wfile.flush()
        self.close_connection = self.close_connection or stop is not None
        if fault.stall_after is not None:
            self.rfile.read(1)

    def _fail(self, fault: Fault) -> None:
        after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        self._send(fault.status or 500, b"", after)

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps({"error": message}).encode(), headers)

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        content = {"Content-Type": "application/json; charset=utf-8"}
        self._send(HTTPStatus.OK, json.dumps(value).encode(), content | (headers or {}))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._head(status, {**headers, "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
