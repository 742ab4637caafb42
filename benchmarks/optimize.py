"""Models made smaller and faster, beside ONNX in 32-bit floats and torch, and what that cost on held-out rows.

    python benchmarks/optimize.py [--only minilm resnet digits yolo pruning distilling parity searches] [--rounds 7]

Models and data are made once, in `build/benchmark-optimize`. Whatever is timed runs in a process of its own, all in
turns in each round. Prints tables and writes `benchmarks/results/optimize.json`; a part that was not asked for keeps
the figures that it had. docs/benchmarks.md says how to read them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from jupyter_modeldeploy import Workspace, devices  # noqa: E402

FOLDER = HERE.parent / "build" / "benchmark-optimize"
OUT = HERE / "results" / "optimize.json"
Found = dict[str, Any]


def minilm(workspace: Workspace, rounds: int) -> Found:
    found = _recipe(workspace, "minilm", rounds)
    return {
        "minilm_size_ratio": found["size_ratio"],
        "minilm_vs_onnx_fp32": found["vs_onnx_fp32"]["median"],
        "minilm_vs_eager": found["vs_eager"]["median"],
        "minilm_accuracy_delta_pp": 100 * found["difference"]["value"],
        "minilm": found,
    }


def resnet(workspace: Workspace, rounds: int) -> Found:
    found = _recipe(workspace, "resnet", rounds)
    return {
        "resnet_vs_eager": found["vs_eager"]["median"],
        "resnet_vs_onnx_fp32": found["vs_onnx_fp32"]["median"],
        "resnet_size_ratio": found["size_ratio"],
        "resnet": found,
    }


def digits(workspace: Workspace, rounds: int) -> Found:
    found = _recipe(workspace, "digits", rounds)
    return {"digits_accuracy_delta_pp": 100 * found["difference"]["value"], "digits": found}


def yolo(workspace: Workspace, rounds: int) -> Found:
    found = _recipe(workspace, "yolo", rounds)
    return {
        "yolo_map50_delta": found["difference"]["value"],
        "yolo_vs_onnx_fp32": found["vs_onnx_fp32"]["median"],
        "yolo": found,
    }


def pruning(workspace: Workspace, rounds: int) -> Found:
    from optimize_bench import pruning

    return pruning.run(workspace, FOLDER, rounds)


def distilling(workspace: Workspace, rounds: int) -> Found:
    from optimize_bench import distilling

    return distilling.run(workspace, FOLDER, rounds)


def parity(workspace: Workspace, rounds: int) -> Found:
    from optimize_bench import parity

    return parity.run()


def searches(workspace: Workspace, rounds: int) -> Found:
    """What `optimize` finds with no hints for each of the models, beside the recipe picked by hand."""
    from optimize_bench import recipes, searched

    return {"searches": {name: searched.run(workspace, FOLDER, name, rounds) for name in recipes.RECIPES}}


def _recipe(workspace: Workspace, name: str, rounds: int) -> Found:
    from optimize_bench import recipes

    return recipes.measure(workspace, FOLDER, name, rounds)


PARTS: dict[str, Callable[[Workspace, int], Found]] = {
    "minilm": minilm,
    "resnet": resnet,
    "digits": digits,
    "yolo": yolo,
    "pruning": pruning,
    "distilling": distilling,
    "parity": parity,
    "searches": searches,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what makes models smaller and faster.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each version is timed in")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    found: Found = json.loads(OUT.read_text()) if OUT.exists() else {}
    with closing(Workspace(FOLDER / "workspace")) as workspace:
        for part in arguments.only:
            found |= PARTS[part](workspace, arguments.rounds)
            found["machine"] = devices.machine()
            OUT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
