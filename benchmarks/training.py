"""Training beside the plain Trainer of transformers and beside a bare loop, and what fine-tunings come to.

    python benchmarks/training.py [--only speed overhead minilm lora digits yolo resume doors]
                                  [--rounds 3] [--steps 150] [--device cpu]

MiniLM and the movie and product sentences are fetched once, into `build/benchmark-training`. Each timed training is a
process of its own; in each round another way comes first. Prints tables and writes `benchmarks/results/training.json`,
with a GPU `training_gpu.json`; a part that was not asked for keeps the figures that it had. docs/benchmarks.md says how
to read them."""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from jupyter_modeldeploy import Workspace, demo, devices, processes  # noqa: E402

ONE = HERE / "training_bench" / "one_training.py"
FOLDER = HERE.parent / "build" / "benchmark-training"
Found = dict[str, Any]
KILLS = 10


class Bench:
    """The workspace with MiniLM and the sentences, and how trainings are timed in it."""

    def __init__(self, workspace: Workspace, arguments: argparse.Namespace) -> None:
        self.workspace, self.rounds, self.steps = workspace, arguments.rounds, arguments.steps
        self.device: str = arguments.device
        self.base, self.dataset = prepared(workspace)

    def task(self, folder: Path, name: str, **options: Any) -> Path:
        store = self.workspace.store
        dataset = store.datasets.get(self.dataset)
        told = {
            "base": str(store.versions.path(store.versions.get(self.base))),
            "dataset": dataset.model_dump(mode="json", exclude={"report"}),
            "data": str(store.datasets.path(dataset)),
            "device": self.device,
            "options": options,
        }
        path = folder / f"{name}.json"
        path.write_text(json.dumps(told))
        return path

    def compared(self, ways: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, list[Found]]:
        """The figures of each way in each round."""
        found: dict[str, list[Found]] = {name: [] for name in ways}
        with tempfile.TemporaryDirectory() as scratch:
            for number in range(self.rounds):
                names = list(ways)
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    way, options = ways[name]
                    found[name].append(run(way, self.task(Path(scratch), name, max_steps=self.steps, **options)))
        print(f"\n{'':18}{'samples/s':>10}{'accuracy':>10}{'memory':>9}")
        for name, rounds in found.items():
            speed, accuracy, memory = (
                median(rounds, key) for key in ("samples_per_second", "accuracy", "memory_bytes")
            )
            print(f"{name:18}{speed:10.1f}{accuracy:10.3f}{memory / 2**20:7.0f} M  {rounds[0]['precision']}")
        return found


def prepared(workspace: Workspace) -> tuple[str, str]:
    if not any(model.name == "minilm" for model in workspace.models.list()):
        workspace.models.fetch(demo.MODEL, "minilm").wait()
    if not any(dataset.name == "sentences" for dataset in workspace.datasets.list()):
        table = demo.write_sentences(workspace, FOLDER / "sentences.csv")
        workspace.datasets.add(f"file:{table.resolve()}", "sentences", "text", "label").wait()
    return "minilm@1", "sentences@1"


def run(way: str, task: Path) -> Found:
    """The figures of one training, in the environment of a job; the plain Trainer's is as it comes."""
    environment = None if way == "trainer" else processes.computing_environment()
    ended = subprocess.run(
        [sys.executable, ONE, way, task], capture_output=True, text=True, check=False, env=environment
    )
    if ended.returncode:
        sys.exit(f"{way} failed:\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}")
    found: Found = json.loads(ended.stdout.splitlines()[-1])
    return found


def median(rounds: list[Found], key: str) -> float:
    return statistics.median(each[key] for each in rounds)


def ratio(rounds: dict[str, list[Found]], one: str, other: str) -> float:
    """The median over the rounds of how many samples/s `one` does for each of `other`."""
    speeds = zip(rounds[one], rounds[other], strict=True)
    return statistics.median(each["samples_per_second"] / beside["samples_per_second"] for each, beside in speeds)


def speed(bench: Bench) -> Found:
    """Ours with its defaults beside the Trainer with its own; batch size, learning rate and steps are the same."""
    rates = {"batch_size": 32, "learning_rate": 1e-4}
    rounds = bench.compared({"ours": ("ours", rates), "trainer defaults": ("trainer", rates)})
    return {
        "vs_trainer_defaults": ratio(rounds, "ours", "trainer defaults"),
        "speed": {name: {key: median(each, key) for key in FIGURES} for name, each in rounds.items()},
    }


def overhead(bench: Bench) -> Found:
    """Ours beside a loop that does nothing but train, both at the same settings, neither with checkpoints."""
    precision = "bf16" if bench.device != "cpu" else "fp32"
    settings = {"batch_size": 32, "learning_rate": 1e-4, "head_learning_rate": 1e-3, "precision": precision}
    rounds = bench.compared(
        {"ours": ("ours", {**settings, "checkpoint_every": 10**9}), "bare loop": ("bare", settings)}
    )
    return {
        "overhead_vs_bare_loop": ratio(rounds, "bare loop", "ours") - 1,
        "overhead": {name: {key: median(each, key) for key in FIGURES} for name, each in rounds.items()},
    }


def minilm(bench: Bench) -> Found:
    """MiniLM on all training sentences with the defaults, as a job."""
    models = bench.workspace.models
    result = models.finetune(bench.base, bench.dataset, "sentiment").result()
    accuracy = result["metrics"]["accuracy"]
    print(f"\nMiniLM with the defaults: {accuracy:.1%} in {result['training']['seconds']:.0f} s")
    return {"minilm_accuracy": accuracy, "minilm_seconds": result["training"]["seconds"]}


def lora(bench: Bench) -> Found:
    """A small Llama with random weights and LoRA on a small grammar."""
    from tiny_causal import make_causal
    from trainings import generation_training

    from jupyter_modeldeploy.training.options import FinetuneOptions
    from jupyter_modeldeploy.training.text_generation import finetune

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        options = FinetuneOptions(epochs=6, context_length=32, learning_rate=5e-3, precision="fp32")
        result = finetune(generation_training(make_causal(folder / "base"), folder, options))
    before, after = result.baseline["perplexity"], result.metrics["perplexity"]
    print(f"\nLoRA: held-out perplexity from {before:.2f} to {after:.2f}")
    return {"lora_perplexity_ratio": after / before}


def resume(bench: Bench) -> Found:
    """A deterministic training that is killed at random moments and resumed, beside one that is left in peace."""
    pick = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        options = {"max_steps": 60, "checkpoint_every": 4, "batch_size": 16, "deterministic": True}
        task = bench.task(Path(scratch), "resumed", **options)
        begun = time.monotonic()
        undisturbed = run("ours", task)["loss"]
        whole = time.monotonic() - begun
        kills, differences = 0, []
        while kills < KILLS:
            folder = f"{scratch}/disturbed-{kills}"
            task.write_text(json.dumps({**json.loads(task.read_text()), "folder": folder}))
            while not ended_before(task, pick.uniform(0.2, 0.6) * whole):
                kills += 1
            differences.append(abs(run("ours", task)["loss"] - undisturbed))
    difference = max(differences)
    print(f"\nKilled {kills} times and resumed: the final losses differ by {difference:.1e} at most")
    return {"resume_loss_difference": difference, "resume_kills": kills}


def ended_before(task: Path, seconds: float) -> bool:
    """Whether the training came to its end in this time; else it is killed."""
    process = subprocess.Popen(
        [sys.executable, ONE, "ours", task], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return False


def digits(bench: Bench) -> Found:
    from training_bench import images

    return images.digits()


def yolo(bench: Bench) -> Found:
    from training_bench import images

    return images.yolo()


def doors(bench: Bench) -> Found:
    """The four fine-tunings again, each from the command line, from Python and from the form."""
    from training_bench.doors import DOORS, TASKS, doors

    return {"doors": doors(list(TASKS), list(DOORS))}


FIGURES = ("samples_per_second", "accuracy", "memory_bytes")
PARTS: dict[str, Callable[[Bench], Found]] = {
    "speed": speed,
    "overhead": overhead,
    "minilm": minilm,
    "lora": lora,
    "digits": digits,
    "yolo": yolo,
    "resume": resume,
    "doors": doors,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure training.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--rounds", type=int, default=3, help="times that each way is timed")
    parser.add_argument("--steps", type=int, default=150, help="optimizer steps of a timed training")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:0")
    parser.add_argument("--out", type=Path, help="where to write the figures; else below benchmarks/results")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = "training.json" if arguments.device == "cpu" else "training_gpu.json"
    out = arguments.out or HERE / "results" / name
    found: Found = json.loads(out.read_text()) if out.exists() else {}
    with closing(Workspace(FOLDER / "workspace")) as workspace:
        bench = Bench(workspace, arguments)
        for part in arguments.only:
            found |= PARTS[part](bench)
            found["machine"] = devices.machine()
            out.parent.mkdir(exist_ok=True)
            out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
