"""A MiniLM that was fine-tuned on the movie and product sentences teaches one with half of its layers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_modeldeploy import Workspace, demo
from optimize_bench import beside

LENGTH = 128
ROUNDS = 100
STUDENT: dict[str, Any] = {"layers": 3, "width": 0.75, "epochs": 2}
HOUR_S = 3600.0


def run(folder: Path) -> dict[str, Any]:
    """`student_accuracy_share`, the share of its teacher's accuracy on held-out sentences that the student has, and
    `student_speed`, how many times as fast it answers a text of 128 tokens as ONNX FP32, with their spreads."""
    with closing(Workspace(folder / "distilling")) as workspace:
        models = workspace.models
        models.fetch(demo.MODEL, "minilm", reuse=True).wait()
        if not any(dataset.name == "sentences" for dataset in workspace.datasets.list()):
            table = demo.write_sentences(workspace, folder / "sentences.csv")
            workspace.datasets.add(f"file:{table.resolve()}", "sentences", "text", "label").wait()
        teacher = models.finetune("minilm@1", "sentences", "teacher", reuse=True).version(timeout_s=HOUR_S)
        job = models.distil(teacher.ref, "sentences", "student", reuse=True, **STUDENT)
        student = job.version(timeout_s=HOUR_S)
        converted = [models.convert(each.ref, reuse=True).version(timeout_s=HOUR_S) for each in (teacher, student)]
        taken = beside.seconds([models.path(each.ref) for each in converted], _tokens(), ROUNDS)
        trained = (job.result().get("training") or {}).get("seconds")
    faster, accuracy = beside.times_faster(*taken), [each.metrics["accuracy"] for each in (teacher, student)]
    ends = [100 * student.metrics[f"accuracy_difference_{end}"] for end in ("low", "high")]
    print(
        f"\nA student of MiniLM ({STUDENT}): {accuracy[1]:.1%} of its teacher's {accuracy[0]:.1%} "
        f"({ends[0]:+.2f} to {ends[1]:+.2f} points), {faster['median']:.2f} times as fast "
        f"({faster['low']:.2f} to {faster['high']:.2f})"
    )
    return {
        "student_accuracy_share": accuracy[1] / accuracy[0],
        "student_speed": faster["median"],
        "student": {
            **STUDENT,
            "accuracy": accuracy[1],
            "teacher_accuracy": accuracy[0],
            "accuracy_delta_pp_interval": ends,
            "speed": dict(faster),
            "size_ratio": converted[0].size_bytes / converted[1].size_bytes,
            "seconds": trained,
        },
    }


def _tokens() -> dict[str, np.ndarray]:
    ids = np.random.default_rng(0).integers(1000, 20000, (1, LENGTH))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
