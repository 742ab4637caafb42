"""One fetch in a process of its own, which prints its seconds and its peak of memory as JSON.

    python one_fetch.py ours|hub_client REFERENCE FOLDER

Imports are not counted: a notebook or a server has made them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path


def ours(reference: str, folder: Path) -> Callable[[], object]:
    from jupyter_modeldeploy.progress import Silent
    from jupyter_modeldeploy.settings import Settings
    from jupyter_modeldeploy.sources import fetch
    from jupyter_modeldeploy.sources.hubs import huggingface  # noqa: F401  # the source is loaded by its name

    return lambda: fetch(reference, folder / "files", Silent(), Settings(folder / "root"))


def hub_client(reference: str, folder: Path) -> Callable[[], object]:
    from huggingface_hub import snapshot_download

    name = reference.removeprefix("hf:")
    kind = "dataset" if name.startswith("datasets/") else "model"
    return lambda: snapshot_download(
        name.removeprefix("datasets/"), repo_type=kind, cache_dir=folder / "cache", local_dir=None
    )


def main() -> None:
    who, reference, folder = sys.argv[1:]
    run = {"ours": ours, "hub_client": hub_client}[who](reference, Path(folder))
    began = time.perf_counter()
    run()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """As Linux counts it from this program's start on: the peak in `getrusage` begins with that of who started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
