"""Versions timed in turns, each in a process of its own, by the runtime that serves it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from jupyter_modeldeploy import Workspace, devices
from jupyter_modeldeploy.optimize.searching.bench import Bench, Form, Turn
from jupyter_modeldeploy.records import Version
from jupyter_modeldeploy.records.optimizations import Layout, Timing
from jupyter_modeldeploy.runtimes import Tensors, tensor_files

SECONDS = 1.0
PATIENCE_S = 300.0


def timed(workspace: Workspace, versions: Mapping[str, Version], inputs: Tensors, rounds: int) -> dict[str, Timing]:
    """One batch after the other on all cores, for a second in each of the rounds. `speed` is how many times as fast as
    the first of the versions each is."""
    forms = {
        name: Form(workspace.models.path(version.ref), version.format, version.size_bytes)
        for name, version in versions.items()
    }
    layout = Layout(threads=devices.usable_cores())
    turns = [Turn(name, layout) for name in versions]
    with tempfile.TemporaryDirectory() as scratch:
        tensor_files.save(Path(scratch) / "1.npz", [inputs])
        with Bench(forms, Path(scratch), "cpu") as bench:
            found, failed = bench.rounds(turns, turns[0].name, rounds, SECONDS, lambda: PATIENCE_S, lambda share: None)
    for error in failed.values():
        raise error
    return {turn.name: found[turn] for turn in turns}


def shown(timings: Mapping[str, Timing]) -> str:
    """A line for each version: milliseconds, and how many times as fast as the first."""
    return "\n".join(
        f"  {name:14}{one.p50_ms.median:9.2f} ms ({one.p50_ms.low:.2f} to {one.p50_ms.high:.2f})"
        f"{one.speed.median:8.2f} × ({one.speed.low:.2f} to {one.speed.high:.2f})"
        for name, one in timings.items()
    )
