"""The network of convolutions on scikit-learn's digits without a share of its channels, trained again in the same job
by the labels and by what the whole network answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_modeldeploy import Workspace
from optimize_bench import prepared, timing
from optimize_bench.prepared import HOUR_S
from optimize_bench.recipes import RECIPES

SHARE = 0.5
EPOCHS = 15


def run(workspace: Workspace, folder: Path, rounds: int) -> dict[str, Any]:
    """`pruned_speed`, how many times as fast as the whole network the pruned one answers one image as ONNX FP32, and
    `pruned_accuracy_delta_pp`, its accuracy on held-out rows minus that of the whole one, with their spreads."""
    models, whole = workspace.models, prepared.digits(workspace, folder)
    job = models.prune(whole.version.ref, SHARE, dataset=whole.dataset, epochs=EPOCHS, reuse=True)
    pruned = job.version(timeout_s=HOUR_S)
    versions = {
        name: models.convert(version.ref, reuse=True).version(timeout_s=HOUR_S)
        for name, version in (("whole", whole.version), ("pruned", pruned))
    }
    timings = timing.timed(workspace, versions, RECIPES["digits"].inputs, rounds)
    metrics, speed = pruned.metrics, timings["pruned"].speed
    ends = [100 * metrics[f"accuracy_difference_{end}"] for end in ("low", "high")]
    print(f"\nResNet on digits without {SHARE:.0%} of its channels\n{timing.shown(timings)}")
    print(f"  accuracy {metrics['accuracy']:.1%}, {100 * metrics['accuracy_difference']:+.2f} points", end=" ")
    print(f"({ends[0]:+.2f} to {ends[1]:+.2f})")
    return {
        "pruned_speed": speed.median,
        "pruned_accuracy_delta_pp": 100 * metrics["accuracy_difference"],
        "pruned": {
            "share": SHARE,
            "speed": speed.model_dump(),
            "accuracy": metrics["accuracy"],
            "accuracy_delta_pp_interval": ends,
            "size_ratio": versions["whole"].size_bytes / versions["pruned"].size_bytes,
        },
    }
