"""A network of convolutions on scikit-learn's digits with a share of its channels taken out, trained again in the same
job by the labels and by what the whole network answers."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from digit_images import TINY_RESNET, digit_folder

from jupyter_modeldeploy import Workspace
from optimize_bench import beside

SHARE = 0.4
EPOCHS = 15
NETWORK = {**TINY_RESNET, "embedding_size": 64, "hidden_sizes": [64, 128]}
ROUNDS = 400
HOUR_S = 3600.0


def run(folder: Path) -> dict[str, Any]:
    """`pruned_speed`, how many times as fast as the whole network the pruned one answers one image as ONNX FP32, and
    `pruned_accuracy_delta_pp`, its accuracy on held-out rows minus that of the whole one, with their spreads."""
    with closing(Workspace(folder / "pruning")) as workspace:
        models = workspace.models
        if not any(model.name == "resnet" for model in models.list()):
            (base := folder / "resnet").mkdir(parents=True, exist_ok=True)
            (base / "config.json").write_text(json.dumps(NETWORK))
            models.fetch(f"file:{base}", name="resnet").wait()
            workspace.datasets.add(f"file:{digit_folder(folder / 'digits')}", name="digits").wait()
        whole = models.finetune("resnet@1", "digits", "whole", reuse=True).version(timeout_s=HOUR_S)
        pruned = models.prune(whole.ref, SHARE, dataset="digits", epochs=EPOCHS, reuse=True).version(timeout_s=HOUR_S)
        converted = [models.convert(each.ref, reuse=True).version(timeout_s=HOUR_S) for each in (whole, pruned)]
        pixels = np.random.default_rng(0).standard_normal((1, 1, 32, 32)).astype(np.float32)
        taken = beside.seconds([models.path(each.ref) for each in converted], {"pixel_values": pixels}, ROUNDS)
    faster, metrics = beside.times_faster(*taken), pruned.metrics
    ends = [100 * metrics[f"accuracy_difference_{end}"] for end in ("low", "high")]
    print(
        f"\nResNet on digits, {SHARE:.0%} of the channels taken out: {faster['median']:.2f} times as fast "
        f"({faster['low']:.2f} to {faster['high']:.2f}), accuracy {metrics['accuracy']:.1%}, "
        f"{100 * metrics['accuracy_difference']:+.2f} points ({ends[0]:+.2f} to {ends[1]:+.2f})"
    )
    return {
        "pruned_speed": faster["median"],
        "pruned_accuracy_delta_pp": 100 * metrics["accuracy_difference"],
        "pruned": {
            "share": SHARE,
            "speed": dict(faster),
            "accuracy": metrics["accuracy"],
            "accuracy_delta_pp_interval": ends,
            "size_ratio": converted[0].size_bytes / converted[1].size_bytes,
        },
    }
