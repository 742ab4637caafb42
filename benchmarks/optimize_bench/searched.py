"""What `optimize` finds by itself, with nothing said but the data, beside the recipe picked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_modeldeploy import Workspace
from optimize_bench.prepared import HOUR_S
from optimize_bench.recipes import RECIPES, handmade
from optimize_bench.timing import shown, timed

MAX_LOSS = 0.01
MINUTES = 10.0


def run(workspace: Workspace, folder: Path, name: str, rounds: int) -> dict[str, Any]:
    """`vs_handmade`, how many times as fast as the recipe picked by hand the found version is on the recipe's inputs,
    how long the search took and what was found. The search starts from the checkpoint in torch."""
    made = handmade(workspace, folder, name)
    job = workspace.models.optimize(made.eager.ref, MAX_LOSS, "latency", made.dataset, MINUTES)
    job.wait(timeout_s=HOUR_S)
    search = workspace.models.optimization(job.id)
    assert search.version is not None  # a search ends with one, if it is the version as it was
    found = workspace.models.version(search.version)
    timings = timed(workspace, {"by hand": made.int8, "found": found}, RECIPES[name].inputs, rounds)
    chosen = search.chosen
    print(f"\n{name}: {search.why} ({search.seconds / 60:.1f} minutes, {len(search.candidates)} candidates)")
    print(shown(timings))
    return {
        "version_is_new": found.ref != made.eager.ref,
        "recommended": chosen.told if chosen else None,
        "why": search.why,
        "seconds": search.seconds,
        "candidates": len(search.candidates),
        "vs_handmade": timings["found"].speed.model_dump(),
        "size_vs_handmade": made.int8.size_bytes / found.size_bytes,
        "test": chosen.test.model_dump(mode="json") if chosen and chosen.test else None,
    }
