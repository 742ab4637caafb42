"""A hub of our own: a local server that speaks the model hub's HTTP API, and can be told to misbehave.

Routes as `huggingface_hub` asks for them: model information (with `blobs`), the tree of a commit, and `resolve` with
ETags, ranges, and for large files a redirect to where the content lies."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

LARGE_SUFFIXES = (".safetensors", ".bin", ".onnx", ".h5", ".msgpack", ".pt")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request for a file's content."""

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


@dataclass
class Repository:
    """The files of each commit; branches and tags name commits."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    gated: bool = False

    def commit(self, files: dict[str, bytes], *names: str) -> str:
        """Add a commit that `main` and `names` point to; its SHA-1 depends on the files alone."""
        listed = sorted((path, hashlib.sha256(content).hexdigest()) for path, content in files.items())
        sha = hashlib.sha1(json.dumps(listed).encode()).hexdigest()
        self.commits[sha] = files
        for name in ("main", *names):
            self.names[name] = sha
        return sha

    def find(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.names.get(revision)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    range: str | None
    authorized: bool


class Hub:
    """The running server: its `url`, `repositories`, `faults` by file path (used up one a request) and `requests`."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = defaultdict(Repository)
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.requests: list[Request] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.content_url = f"http://localhost:{self.server.server_port}"  # to clients, another host

    def contents(self) -> list[Request]:
        """The requests for the bytes of files."""
        return [one for one in self.requests if one.method == "GET" and "/api/" not in one.path]

    def served(self) -> list[Request]:
        """Those of them that were not redirected on."""
        return [one for one in self.contents() if "/resolve/" not in one.path or not one.path.endswith(LARGE_SUFFIXES)]


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        hub.server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        return None

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.hub.requests.append(
            Request(self.command, path, self.headers.get("Range"), "Authorization" in self.headers)
        )
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            return self._information(match[1], match[2] or "main", "blobs" in url.query)
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            return self._tree(match[1], match[2])
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve(match[1], match[2], match[3])
        if match := re.fullmatch(r"/content/([^/]+/[^/]+)/([^/]+)/(.+)", path):
            return self._content(self.hub.repositories[match[1]].commits[match[2]][match[3]], match[3], {})
        return self._refuse(404, "EntryNotFound")

    def _information(self, name: str, revision: str, blobs: bool) -> None:
        found = self._commit(name, revision)
        if found is None:
            return
        sha, files = found
        siblings = [_sibling(path, content, blobs) for path, content in files.items()]
        self._json({"_id": name, "id": name, "modelId": name, "sha": sha, "private": False, "siblings": siblings})

    def _tree(self, name: str, revision: str) -> None:
        found = self._commit(name, revision)
        if found is None:
            return
        self._json([_entry(path, content) for path, content in found[1].items()])

    def _resolve(self, name: str, revision: str, path: str) -> None:
        found = self._commit(name, revision, content=True)
        if found is None:
            return
        sha, files = found
        if path not in files:
            return self._refuse(404, "EntryNotFound")
        headers = {"X-Repo-Commit": sha}
        if not path.endswith(LARGE_SUFFIXES):
            return self._content(files[path], path, headers)
        headers |= {
            "X-Linked-ETag": f'"{hashlib.sha256(files[path]).hexdigest()}"',
            "X-Linked-Size": str(len(files[path])),
            "Location": f"{self.hub.content_url}/content/{name}/{sha}/{path}",
        }
        self._send(HTTPStatus.FOUND, b"", headers)

    def _commit(self, name: str, revision: str, content: bool = False) -> tuple[str, dict[str, bytes]] | None:
        """The commit, or None after an answer that says why not, as the hub does."""
        repository = self.hub.repositories.get(name)
        authorized = repository is not None and self.headers.get("Authorization") == f"Bearer {repository.token}"
        if repository is None or (repository.token and not repository.gated and not authorized):
            self._refuse(401 if "Authorization" not in self.headers else 404, "RepoNotFound")
        elif repository.gated and not authorized:
            self._refuse(403 if "Authorization" in self.headers else 401, "GatedRepo")
        elif (sha := repository.find(revision)) is None:
            self._refuse(404, "RevisionNotFound")
        else:
            return sha, repository.commits[sha]
        return None

    def _content(self, content: bytes, path: str, headers: dict[str, str]) -> None:
        waiting = self.hub.faults[path] if self.command == "GET" else []
        fault = waiting.pop(0) if waiting else Fault()
        if fault.status is not None:
            after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return self._send(fault.status, b"", after)
        content = content if fault.content is None else fault.content
        etag = f'"{hashlib.sha256(content).hexdigest()[:40]}"'
        headers = {**headers, "ETag": etag, "Accept-Ranges": "bytes"}
        body = bytes([content[0] ^ 1]) + content[1:] if fault.damage else content
        start = self._start(etag, fault)
        if start is None:
            return self._send(HTTPStatus.OK, body, headers, fault)
        if start >= len(content):
            return self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(HTTPStatus.PARTIAL_CONTENT, body[start:], headers, fault)

    def _start(self, etag: str, fault: Fault) -> int | None:
        """Where the wanted range begins; None for all, also where If-Range names another revision."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", etag) == etag
        return int(match[1]) if match and same and not fault.ignore_range else None

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

    def _json(self, value: Any) -> None:
        self._send(HTTPStatus.OK, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str], fault: Fault = Fault()) -> None:  # noqa: B008
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        stop = fault.drop_after if fault.stall_after is None else fault.stall_after
        self.wfile.write(body[:stop])
        self.wfile.flush()
        self.close_connection = self.close_connection or stop is not None
        if fault.stall_after is not None:
            self.rfile.read(1)


def _sibling(path: str, content: bytes, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": path}
    entry = _entry(path, content)
    return {"rfilename": path, "size": entry["size"], "blobId": entry["oid"], **_large(path, content, "sha256")}


def _entry(path: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return {"type": "file", "oid": blob, "size": len(content), "path": path, **_large(path, content, "oid")}


def _large(path: str, content: bytes, key: str) -> dict[str, Any]:
    """Tree and information name the hash of a large file differently, as on the real hub."""
    if not path.endswith(LARGE_SUFFIXES):
        return {}
    return {"lfs": {key: hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}}
