"""What the hub's own client has already downloaded on this machine, below `HF_HUB_CACHE`.

A repository's folder there holds `blobs/` named by their SHA-256 or Git SHA-1, `refs/` with the commit that a branch or
tag named last, `snapshots/<commit>/` with links to blobs, and `trees/<commit>.json` with the listing of a commit. It is
only read; whoever takes a blob checks its hash."""

from __future__ import annotations

import json
import os
import re
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from jupyter_modeldeploy.sources.hubs.hub_api import HubFile, Repository
from jupyter_modeldeploy.sources.reference import RemoteFile

COMMIT = re.compile(r"^[0-9a-f]{40}$")
BLOB = re.compile(r"^(?P<git_sha1>[0-9a-f]{40})$|^(?P<sha256>[0-9a-f]{64})$")
TREE_FORMAT = 1


def folder() -> Path:
    """Where the hub's client keeps its downloads, by the variables that it reads; asked anew each time."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    chosen = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or Path(home, "hub")
    return Path(os.path.expandvars(chosen)).expanduser()


def is_offline() -> bool:
    """Whether `HF_HUB_OFFLINE` (or `TRANSFORMERS_OFFLINE`) forbids asking the hub."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in ("1", "ON", "YES", "TRUE")


class HubCache:
    """The cache below `root`. What is missing or damaged in it is as if it were not there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def blob(self, file: RemoteFile) -> Path | None:
        """A blob that is said to be this file's content, in whatever repository; None if there is none."""
        return next((self._blobs[name] for name in (file.sha256, file.git_sha1) if name in self._blobs), None)

    def commit(self, repository: Repository, revision: str | None) -> str | None:
        """The commit that a revision (else `main`) named when the hub was last asked."""
        wanted = revision or "main"
        if COMMIT.match(wanted):
            return wanted
        refs = self._folder(repository) / "refs"
        path = Path(os.path.normpath(refs / wanted))
        if not path.is_relative_to(refs):
            return None
        try:
            commit = path.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return None
        return commit if COMMIT.match(commit) else None

    def files(self, repository: Repository, commit: str) -> list[HubFile]:
        """The files of a commit: all of them where its listing is kept, else those that were downloaded."""
        return self._listed(repository, commit) or self._linked(repository, commit)

    def _listed(self, repository: Repository, commit: str) -> list[HubFile]:
        try:
            tree = json.loads((self._folder(repository) / "trees" / f"{commit}.json").read_bytes())
            if tree["format_version"] != TREE_FORMAT:
                return []
            return [_file(path, known) for path, known in tree["files"].items()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    def _linked(self, repository: Repository, commit: str) -> list[HubFile]:
        snapshot = self._folder(repository) / "snapshots" / commit
        found = []
        for path in sorted(snapshot.rglob("*")):
            if path.is_file() and (match := BLOB.match(path.resolve().name)):
                name, size = path.relative_to(snapshot).as_posix(), path.stat().st_size
                found.append(HubFile(path=name, size=size, **match.groupdict()))
        return found

    def _folder(self, repository: Repository) -> Path:
        return self._root / "--".join([repository.kind, *repository.name.split("/")])

    @cached_property
    def _blobs(self) -> dict[str | None, Path]:
        """Every finished blob by its name; one look at the folders is cheaper than one a file."""
        return {path.name: path for path in self._root.glob("*/blobs/*") if BLOB.match(path.name)}


def _file(path: str, known: dict[str, object]) -> HubFile:
    sha256 = known.get("lfs_sha256")
    git_sha1 = None if sha256 else known["blob_id"]
    try:
        return HubFile.model_validate({"path": path, "size": known["size"], "sha256": sha256, "git_sha1": git_sha1})
    except ValidationError as error:
        raise ValueError(f"{path} is listed with something else than hashes") from error
