"""The downloader beside `curl` and the hub's own client, and what interruptions cost it.

    python benchmarks/fetch.py [--rounds 3] [--large-bytes 4000000000] [--files 2000] [--folder /dev/shm]

An nginx on loopback serves one large sparse file and a repository of many small ones, in the layout of the hub's API.
In each round every client has its turn, another one first each time, each in a new process with empty caches; ours
checks every hash, and what arrived is checked again. Then a download is killed and its connections are dropped. Before
all that the corpus of hostile repositories is fetched. Prints a table and writes `benchmarks/results/fetch.json`;
docs/benchmarks.md says how to read it."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from fetch_bench import interrupted, nginx  # noqa: E402

from jupyter_modeldeploy.settings import Settings  # noqa: E402
from jupyter_modeldeploy.store import Store  # noqa: E402

RESULT = HERE / "results" / "fetch.json"
ONE_FETCH = HERE / "fetch_bench" / "one_fetch.py"
LARGE, MANY = "hf:bench/large", "hf:datasets/bench/many"
TARGETS = {
    "large_file_vs_curl": (0.5, True),
    "many_files_vs_hub_client": (1.5, True),
    "redownloaded_share": (0.02, False),
}
Hashes = dict[str, str]
Samples = dict[str, list[dict[str, float]]]


def main() -> None:
    wanted = arguments()
    if missing := nginx.missing():
        sys.exit(f"This benchmark needs {' and '.join(missing)}. On Debian: apt-get install {' '.join(missing)}")
    with tempfile.TemporaryDirectory(dir=wanted.folder) as made:
        folder = Path(made)
        refused, total = hostile(folder)
        hashes = prepare(folder, wanted.large_bytes, wanted.files)
        with nginx.serving(folder) as url:
            large = rounds(folder, url, wanted.rounds, {"curl": curl, "ours": ours(LARGE, hashes[LARGE])})
            many = rounds(folder, url, wanted.rounds, {"hub_client": hub_client, "ours": ours(MANY, hashes[MANY])})
        shutil.rmtree(folder / "www")
        share = interrupted.redownloaded_share(folder, wanted.interrupted_bytes, wanted.kills, wanted.drops)
    found = {
        "large_file_vs_curl": ratio(large, "curl"),
        "many_files_vs_hub_client": ratio(many, "hub_client"),
        "redownloaded_share": share,
        "hostile_cases_refused": refused,
        "hostile_cases_total": total,
        "large_peak_mb": max(one["peak_mb"] for one in large["ours"]),
        "many_peak_mb": max(one["peak_mb"] for one in many["ours"]),
        "setup": {name: value for name, value in vars(wanted).items() if name != "out"} | {"cores": os.cpu_count()},
        "samples": {"large": large, "many": many},
    }
    show(found)
    wanted.out.parent.mkdir(exist_ok=True)
    wanted.out.write_text(json.dumps(found, indent=2, default=str) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the downloader.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large-bytes", type=int, default=4_000_000_000)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--interrupted-bytes", type=int, default=1_000_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--drops", type=int, default=50, help="dropped connections per GB")
    parser.add_argument("--folder", type=Path, help="where to download to; else memory if it has room, else the disk")
    parser.add_argument("--out", type=Path, default=RESULT)
    wanted = parser.parse_args()
    wanted.folder = wanted.folder or roomy(2 * wanted.large_bytes)
    return wanted


def roomy(needed: int) -> Path:
    """A file system in memory, if there is room: otherwise the disk's speed is measured, which is the same for all."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > needed else Path(tempfile.gettempdir())


def prepare(folder: Path, large_bytes: int, files: int) -> dict[str, Hashes]:
    """Publish the two repositories. The SHA-256 of each one's files by their paths."""
    large = folder / "large"
    with large.open("wb") as file:
        file.truncate(large_bytes)
    config = folder / "config.json"
    config.write_text('{"model_type": "bert"}')
    sha256 = interrupted.sha256_of(large)
    hashes = {LARGE: {"config.json": interrupted.sha256_of(config), "model.safetensors": sha256}}
    nginx.publish(
        folder, "models", "bench/large", {"config.json": (config, None), "model.safetensors": (large, sha256)}
    )
    small: dict[str, tuple[Path, str | None]] = {}
    for number in range(files):
        path = folder / f"small-{number}"
        path.write_bytes(os.urandom(1_000 + number * 37 % 9_000))
        small[f"{number // 100:02}/{number:05}.json"] = (path, None)
    hashes[MANY] = {path: interrupted.sha256_of(source) for path, (source, _) in small.items()}
    nginx.publish(folder, "datasets", "bench/many", small)
    return hashes


def rounds(folder: Path, url: str, count: int, clients: dict[str, Callable[[Path, str], dict[str, float]]]) -> Samples:
    samples: Samples = {name: [] for name in clients}
    for turn in range(count):
        names = sorted(clients, reverse=bool(turn % 2))
        for name in names:
            into = folder / "into"
            into.mkdir()
            samples[name].append(clients[name](into, url))
            shutil.rmtree(into)
            print(f"  {name}: {samples[name][-1]['seconds']:.2f} s", flush=True)
    return samples


def curl(into: Path, url: str) -> dict[str, float]:
    began = time.perf_counter()
    address = f"{url}/bench/large/resolve/{nginx.COMMIT}/model.safetensors"
    subprocess.run(["curl", "--silent", "--fail", "-o", str(into / "file"), address], check=True)
    return {"seconds": time.perf_counter() - began}


def ours(reference: str, hashes: Hashes) -> Callable[[Path, str], dict[str, float]]:
    """Raises RuntimeError where not exactly these files arrive, or one is not what was published."""

    def run(into: Path, url: str) -> dict[str, float]:
        told = one_fetch("ours", reference, into, url)
        files = into / "files"
        arrived = {str(path.relative_to(files)): path for path in files.rglob("*") if path.is_file()}
        if {name: interrupted.sha256_of(path) for name, path in arrived.items()} != hashes:
            raise RuntimeError(f"{reference} did not arrive as it was published")
        return told

    return run


def hub_client(into: Path, url: str) -> dict[str, float]:
    return one_fetch("hub_client", MANY, into, url)


def one_fetch(who: str, reference: str, into: Path, url: str) -> dict[str, float]:
    environment = os.environ | {
        "HF_ENDPOINT": url,
        "HF_HOME": str(into / "hub"),
        "HF_HUB_CACHE": str(into / "hub-cache"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
    }
    command = [sys.executable, str(ONE_FETCH), who, reference, str(into)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def hostile(folder: Path) -> tuple[int, int]:
    """How many of the hostile repositories are refused or quarantined for their reason, no payload having run."""
    import hostile_repositories

    store = Store(Settings(folder / "hostile-root"))
    refused = 0
    try:
        for number, (make, reason) in enumerate(hostile_repositories.CASES.values()):
            marker = folder / f"marker-{number}"
            command = hostile_repositories.payload(marker)
            outcome = hostile_repositories.fetch(store, make, folder / f"hostile-{number}" / "repository", command)
            told = outcome.kind != "let in" and re.search(reason, outcome.reason) is not None
            refused += told and not marker.exists()
    finally:
        store.close()
    return refused, len(hostile_repositories.CASES)


def ratio(samples: Samples, peer: str) -> float:
    """Our speed over the peer's: the median of the rounds' own ratios, so that what drifts touches both sides."""
    return statistics.median(
        theirs["seconds"] / mine["seconds"] for theirs, mine in zip(samples[peer], samples["ours"], strict=True)
    )


def show(found: dict[str, Any]) -> None:
    for part, samples in found["samples"].items():
        for name, taken in samples.items():
            print(f"{part:6} {name:11} {statistics.median(one['seconds'] for one in taken):8.2f} s")
    print(f"peak memory: {found['large_peak_mb']:.0f} MB (large), {found['many_peak_mb']:.0f} MB (many)")
    for name, (target, at_least) in TARGETS.items():
        met = found[name] >= target if at_least else found[name] < target
        print(f"{name} {found[name]:.4f} (target {'≥' if at_least else '<'} {target}): {'met' if met else 'MISSED'}")
    print(f"hostile repositories refused: {found['hostile_cases_refused']} of {found['hostile_cases_total']}")


if __name__ == "__main__":
    main()
