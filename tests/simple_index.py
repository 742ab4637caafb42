"""A package index of our own: static pages as the simple repository API asks for them, and the packages beside them."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from http_thread import Unlogged, answering


class Index:
    """The running index: its `url`, and `asked`, the paths that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, []
        handler = partial(type("Handler", (_Handler,), {"index": self}), directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def add(
        self, filename: str, content: bytes, sha256: str | None = None, yanked: bool = False, digest: str | None = None
    ) -> None:
        """Publish a package's file, with another hash than its own if one is given; `digest` is the whole fragment."""
        project = filename.split("-")[0].replace("_", "-").lower()
        page = self.folder / project / "index.html"
        page.parent.mkdir(exist_ok=True)
        (page.parent / filename).write_bytes(content)
        digest = f"sha256={sha256 or hashlib.sha256(content).hexdigest()}" if digest is None else digest
        withdrawn = ' data-yanked="broken"' if yanked else ""
        with page.open("a") as out:
            out.write(f'<a href="{filename}#{digest}"{withdrawn}>{filename}</a>\n')

    def downloads(self) -> list[str]:
        return [path.rpartition("/")[2] for path in self.asked if path.endswith((".whl", ".gz", ".zip"))]


class _Handler(Unlogged, SimpleHTTPRequestHandler):
    index: Index

    def do_GET(self) -> None:
        self.index.asked.append(self.path)
        super().do_GET()


@contextmanager
def serving(folder: Path) -> Iterator[Index]:
    folder.mkdir()
    index = Index(folder)
    with answering(index.server):
        yield index


def wheel(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return buffer.getvalue()


def sdist(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as package:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
