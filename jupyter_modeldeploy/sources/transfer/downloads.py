"""Download many files over a few threads: each takes the next file, and when none is left a section of one that
others still download."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jupyter_modeldeploy.sources.reference import RemoteFile
from jupyter_modeldeploy.sources.transfer.contents import LOOK_AGAIN_S, Contents
from jupyter_modeldeploy.sources.transfer.digests import Digests
from jupyter_modeldeploy.sources.transfer.download import SMALLEST_SECTION, Download, Told
from jupyter_modeldeploy.sources.transfer.flow import Flow, StoppedError
from jupyter_modeldeploy.sources.transfer.network import Client
from jupyter_modeldeploy.sources.transfer.part import Part, received_before
from jupyter_modeldeploy.sources.transfer.small_files import SMALL, SmallFiles

REPORT_EVERY_S = 0.1


class Downloads:
    """Brings `files` into `contents`. `headers(url)` gives the headers that a request needs."""

    def __init__(
        self,
        client: Client,
        contents: Contents,
        files: Sequence[RemoteFile],
        headers: Callable[[str], dict[str, str]],
        flow: Flow,
    ) -> None:
        self._client, self._contents, self._headers, self._flow = client, contents, headers, flow
        self._files = files
        self._waiting = deque(sorted(range(len(files)), key=lambda index: -(files[index].size or 0)))
        self._active: list[Download] = []
        self._received = [0] * len(files)
        self._sizes = [file.size for file in files]
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._unfinished = len(files)
        self.arrived: list[Path] = []

    def run(self, threads: int, told: Told) -> None:
        """Return when every file is there; `told` gets the bytes of all of them together, from this thread.

        Raises what the first one that failed raised; the others stop, and what they have received is kept."""
        largest = max((file.size or SMALLEST_SECTION for file in self._files), default=0)
        count = threads if largest >= SMALLEST_SECTION else min(threads, len(self._files))
        workers = [threading.Thread(target=self._run, name=f"download-{n}", daemon=True) for n in range(count)]
        try:
            for worker in workers:
                worker.start()
            while self._unfinished and self._failure is None:
                self._tell(told)
                with self._changed:
                    self._changed.wait_for(self._is_over, REPORT_EVERY_S)
        finally:
            if self._unfinished:
                self._flow.stop()
            for worker in workers:
                worker.join()
        if self._failure is not None:
            raise self._failure
        self._tell(told)

    def _is_over(self) -> bool:
        return not self._unfinished or self._failure is not None

    def _tell(self, told: Told) -> None:
        known = [size for size in self._sizes if size is not None]
        told(sum(self._received), sum(known) if len(known) == len(self._sizes) else None)

    def _run(self) -> None:
        small_files = SmallFiles(self._client, self._flow)
        try:
            while self._waiting:
                try:
                    index = self._waiting.popleft()
                except IndexError:
                    break
                self._one(index, self._files[index], small_files)
                with self._changed:
                    self._unfinished -= 1
                    if not self._unfinished:
                        self._changed.notify_all()
            while not self._is_over():
                if not any(download.help() for download in list(self._active)):
                    with self._changed:
                        self._changed.wait_for(self._is_over, REPORT_EVERY_S)
        except StoppedError:
            return
        except BaseException as error:  # noqa: BLE001  # the thread that waits raises it
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()
            self._flow.stop()
        finally:
            small_files.close()

    def _one(self, index: int, file: RemoteFile, small_files: SmallFiles) -> None:
        told = partial(self._told, index)
        with self._contents.arriving(file, partial(self._await_other, index, file)) as arriving:
            if arriving is not None:
                descriptor, part = arriving
                if file.size is not None and file.size <= SMALL:
                    digests = self._download_small(file, descriptor, small_files)
                else:
                    digests = self._download(file, descriptor, part, told)
                self.arrived.append(self._contents.keep(file, part, digests.sha256))
        size = self._sizes[index] if arriving is not None or file.size is not None else None
        self._told(index, size or self._received[index], size or self._received[index])

    def _download_small(self, file: RemoteFile, descriptor: int, small_files: SmallFiles) -> Digests:
        content, digests = small_files.get(file, partial(self._headers, file.url))
        os.ftruncate(descriptor, 0)
        _write(descriptor, content)
        return digests

    def _download(self, file: RemoteFile, descriptor: int, part: Path, told: Told) -> Digests:
        headers = partial(self._headers, file.url)
        download = Download(self._client, file, Part(descriptor, part, file), headers, self._flow, told)
        self._active.append(download)
        try:
            return download.run()
        finally:
            self._active.remove(download)

    def _told(self, index: int, received: int, size: int | None) -> None:
        self._received[index], self._sizes[index] = received, size

    def _await_other(self, index: int, file: RemoteFile) -> None:
        """Another process downloads the very file."""
        self._received[index] = received_before(self._contents.part(file))
        self._flow.sleep(LOOK_AGAIN_S)


def _write(descriptor: int, content: bytes) -> None:
    view, position = memoryview(content), 0
    while view:
        count = os.pwrite(descriptor, view, position)
        view, position = view[count:], position + count
