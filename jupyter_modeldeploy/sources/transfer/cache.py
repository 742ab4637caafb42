"""Downloads that are kept below `<root>/cache/`, named by their content, so that nothing is downloaded twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from jupyter_modeldeploy.errors import InvalidInput, Unavailable, from_os_error
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer import local_copy, network
from jupyter_modeldeploy.sources.transfer.answers import ensure_space
from jupyter_modeldeploy.sources.transfer.contents import Contents, Usage, key
from jupyter_modeldeploy.sources.transfer.downloads import Downloads
from jupyter_modeldeploy.sources.transfer.flow import Flow
from jupyter_modeldeploy.sources.transfer.part import received_before
from jupyter_modeldeploy.sources.transfer.shared import SharedFolder


class Cache:
    """The folder of downloads. `headers(url)` gives the headers that a request needs, `allowed_hosts` the servers
    beyond the public internet that the user set up; `nearby(file)` a file of this machine that may have the content
    (its hash is checked), `offline` that its source must not be asked though the workspace is not offline."""

    def __init__(
        self,
        settings: Settings,
        headers: Callable[[str], dict[str, str]] = lambda url: {},
        allowed_hosts: Sequence[str] = (),
        nearby: Callable[[RemoteFile], Path | None] | None = None,
        offline: bool = False,
    ) -> None:
        self._settings, self._offline = settings, settings.offline or offline
        self._headers, self._allowed_hosts = headers, allowed_hosts
        self._nearby = nearby
        self._shared = SharedFolder(settings.shared_cache) if settings.shared_cache else None
        self._folder = settings.root / "cache" / "files"
        self._references = settings.root / "cache" / "references"
        try:
            for folder in (self._folder, self._references):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"making the cache {self._folder}") from error
        self._contents = Contents(self._folder)

    def resolve(
        self, reference: Reference, selection: Selection, ask: Callable[[Reference, Selection], Resolution]
    ) -> Resolution:
        """What `reference` names, as `ask` says; as it said before where that cannot have changed or we are offline."""
        memory = self._references / f"{_digest(reference.original, selection.model_dump_json())}.json"
        known = _recall(memory)
        if known is not None and (self._offline or self._is_final(reference, known)):
            return known
        if self._offline and self._nearby is None:
            raise Unavailable(
                f"{reference} is not in the cache, and the workspace is offline.",
                "Fetch it once with a network: unset JUPYTER_MODELDEPLOY_OFFLINE.",
            )
        resolution = ask(reference, selection)  # one that knows of files nearby asks no network when offline
        if self._offline:
            return resolution  # of what is here, which may be only a part: nothing to go by later
        _write(memory, resolution.model_dump_json())
        return resolution

    def get(self, files: Sequence[RemoteFile], reporter: Reporter, message: str) -> list[Path]:
        """Where the content of each file lies, downloaded if need be. The paths are read-only.

        Tells the bytes of all files together. Raises StorageFull before the first byte, Unavailable when offline."""
        try:
            wanted = {key(file): file for file in files}
            found = {name: path for name, file in wanted.items() if (path := self._at_hand(file))}
            missing = [file for name, file in wanted.items() if name not in found]
            done = sum(path.stat().st_size for path in found.values())
            if missing:
                self._download(missing, done, reporter, message)
                found |= {key(file): self._found(file) for file in missing}
        except OSError as error:
            raise from_os_error(error, f"writing to the cache {self._folder}") from error
        size = sum(path.stat().st_size for path in found.values())
        reporter.progress(size, size, "bytes", message)
        return [found[key(file)] for file in files]

    def place(self, files: Sequence[RemoteFile], into: Path, reporter: Reporter, message: str) -> None:
        """Put each file at its path below the folder `into`, downloaded if need be, as read-only files that share their
        storage with the cache where the file system allows it. Raises what `get` raises."""
        for file, content in zip(files, self.get(files, reporter, message), strict=True):
            target = into / file.path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            local_copy.place(content, target)

    def exists(self, files: Sequence[RemoteFile]) -> bool:
        """Whether all the files are in the cache."""
        return all(self._contents.find(file) for file in files)

    def verify(self) -> tuple[int, list[str]]:
        """Hash everything in the cache again, and remove what is damaged: how many files were looked at, and the names
        of the damaged ones, which are the SHA-256 that they should have had. Artifacts that share their storage with
        those are damaged too."""
        return self._contents.verify()

    def prune(self, unused_for_s: float = 0.0) -> tuple[int, int]:
        """Remove what nobody has used for so many seconds, and downloads that were given up: how many files, and how
        many bytes that frees (what an artifact shares is not freed). Versions in the workspace lose nothing.

        Raises InvalidInput for a negative time."""
        if unused_for_s < 0:
            raise InvalidInput(f"{unused_for_s} seconds is no age.", "Give 0 to remove everything.")
        return self._contents.prune(unused_for_s)

    def usage(self) -> Usage:
        """How much the cache holds."""
        return self._contents.usage()

    def _at_hand(self, file: RemoteFile) -> Path | None:
        """The file's content without asking the network."""
        known = self._contents.find(file)
        if known is not None:
            return known
        for place in (self._shared.find if self._shared else None, self._nearby):
            near = place(file) if place else None
            if near is not None and (taken := self._contents.take(near, file)):
                return taken
        return None

    def _download(self, missing: Sequence[RemoteFile], done: int, reporter: Reporter, message: str) -> None:
        if self._offline:
            raise Unavailable(
                f"{missing[0].path} is not in the cache, and the workspace is offline.",
                "Fetch it once with a network: unset JUPYTER_MODELDEPLOY_OFFLINE.",
            )
        self._contents.sweep()
        received = sum(received_before(self._contents.part(file)) for file in missing)
        ensure_space(self._folder, sum(file.size or 0 for file in missing) - received)

        def told(count: int, total: int | None) -> None:
            reporter.progress(done + count, None if total is None else done + total, "bytes", message)

        with network.client(self._allowed_hosts) as client:
            downloads = Downloads(client, self._contents, missing, self._headers, Flow(self._settings.bandwidth))
            downloads.run(self._settings.parallel_downloads, told)
        if self._shared:
            for content in downloads.arrived:
                self._shared.offer(content)

    def _found(self, file: RemoteFile) -> Path:
        path = self._contents.find(file)
        if path is None:
            raise Unavailable(f"{file.path} was removed from the cache meanwhile.", "Fetch it again.")
        return path

    def _is_final(self, reference: Reference, known: Resolution) -> bool:
        """An exact revision of which something was downloaded needs no second look."""
        return known.source == reference.original and any(self._contents.find(file) for file in known.files)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _recall(memory: Path) -> Resolution | None:
    try:
        return Resolution.model_validate_json(memory.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)
