"""The MiniLM that was fine-tuned on the movie and product sentences teaches one with half of its layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_modeldeploy import Workspace
from optimize_bench import prepared, timing
from optimize_bench.prepared import HOUR_S
from optimize_bench.recipes import RECIPES

STUDENT: dict[str, Any] = {"layers": 3, "width": 0.75, "epochs": 2}


def run(workspace: Workspace, folder: Path, rounds: int) -> dict[str, Any]:
    """`student_accuracy_share`, the share of its teacher's accuracy on held-out sentences that the student has, and
    `student_speed`, how many times as fast it answers a text of 128 tokens as ONNX FP32, with their spreads."""
    models, teacher = workspace.models, prepared.minilm(workspace, folder)
    job = models.distil(teacher.version.ref, teacher.dataset, "student", reuse=True, **STUDENT)
    student = job.version(timeout_s=HOUR_S)
    versions = {
        name: models.convert(version.ref, reuse=True).version(timeout_s=HOUR_S)
        for name, version in (("teacher", teacher.version), ("student", student))
    }
    timings = timing.timed(workspace, versions, RECIPES["minilm"].inputs, rounds)
    accuracy, speed = [each.metrics["accuracy"] for each in (teacher.version, student)], timings["student"].speed
    ends = [100 * student.metrics[f"accuracy_difference_{end}"] for end in ("low", "high")]
    print(f"\nA student of MiniLM ({STUDENT})\n{timing.shown(timings)}")
    print(f"  accuracy {accuracy[1]:.1%}, its teacher's {accuracy[0]:.1%} ({ends[0]:+.2f} to {ends[1]:+.2f} points)")
    return {
        "student_accuracy_share": accuracy[1] / accuracy[0],
        "student_speed": speed.median,
        "student": {
            **STUDENT,
            "accuracy": accuracy[1],
            "teacher_accuracy": accuracy[0],
            "accuracy_delta_pp_interval": ends,
            "speed": speed.model_dump(),
            "size_ratio": versions["teacher"].size_bytes / versions["student"].size_bytes,
        },
    }
