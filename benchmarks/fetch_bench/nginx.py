"""An nginx on loopback that serves a hub's HTTP API and files from a folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMIT = hashlib.sha1(b"the one commit").hexdigest()
CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/json;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        add_header X-Repo-Commit {commit};
        location / {{ try_files $uri $uri/index.json =404; }}
    }}
}}
"""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of an nginx that serves `folder`/www."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, commit=COMMIT))
    process = subprocess.Popen([_program(), "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def publish(folder: Path, kind: str, name: str, files: dict[str, tuple[Path, str | None]]) -> None:
    """Lay a repository out as the hub's API gives it; `files` are paths with the SHA-256 of the large ones.

    `kind` is "models" or "datasets". Files are moved into the folder that is served."""
    www = folder / "www"
    entries = [_entry(path, source, sha256) for path, (source, sha256) in files.items()]
    siblings = [
        {"rfilename": one["path"], "size": one["size"], "blobId": one["oid"]}
        | ({"lfs": {"sha256": one["lfs"]["oid"], "size": one["size"], "pointerSize": 134}} if "lfs" in one else {})
        for one in entries
    ]
    told = {"_id": name, "id": name, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "siblings": siblings}
    api = www / "api" / kind / name
    for path in (api, api / "revision" / "main", api / "revision" / COMMIT):
        _write(path / "index.json", told)
    _write(api / "tree" / COMMIT / "index.json", entries)
    prefix = www / "datasets" / name if kind == "datasets" else www / name
    for path, (source, _) in files.items():
        for revision in ("main", COMMIT):
            target = prefix / "resolve" / revision / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(source)
        source.unlink()


def _entry(path: str, source: Path, sha256: str | None) -> dict[str, Any]:
    size = source.stat().st_size
    if sha256:
        return {"type": "file", "oid": "0" * 40, "size": size, "path": path, "lfs": {"oid": sha256, "size": size}}
    content = source.read_bytes()
    oid = hashlib.sha1(b"blob %d\0" % size + content).hexdigest()
    return {"type": "file", "oid": oid, "size": size, "path": path}


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _program() -> str:
    """Debian has it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or "nginx"


def missing() -> list[str]:
    """The Debian packages that this benchmark lacks."""
    needed = {"nginx-light": shutil.which(_program()), "curl": shutil.which("curl")}
    return [package for package, found in needed.items() if found is None]


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nginx ended with {process.returncode}")
