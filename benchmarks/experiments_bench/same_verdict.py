"""The sentiment model in FP32 and in INT8, compared on a service's traffic and on labelled rows: one verdict."""

from __future__ import annotations

import itertools
import shutil
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
from serving_bench.places import BUILD

from jupyter_modeldeploy import Experiment, Workspace, demo
from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.records import Experiment as Found
from jupyter_modeldeploy.records import Service, Version

FOLDER = BUILD / "same-verdict"
LIVE_S = 90
PAUSE_S = 0.005
AT_ONCE = 10
"""Outcomes that are posted together."""
COMPARED = {"latency_ms": "latency_ms", "right": "accuracy"}
"""The metrics of the live experiment by the names that they have offline."""


def run() -> dict[str, Any]:
    """Both verdicts, metric by metric, and whether they are the same. The workspace is left, for a look at both reports
    in panels; their pages lie beside it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with closing(Workspace(FOLDER / "root")) as workspace:
        dataset, fp32, int8 = _made(workspace, FOLDER)
        offline = Found.model_validate(
            workspace.experiments.compare_offline(fp32.ref, int8.ref, dataset).result()["experiment"]
        )
        live = _live(workspace, dataset, fp32, int8)
        for kind, found in (("offline", offline), ("live", live)):
            workspace.experiments.report(found.id).write(FOLDER / f"{kind}.html")
    told = {
        "offline": {metric.metric: _told(metric) for metric in offline.metrics},
        "live": {metric.metric: _told(metric) for metric in live.metrics},
        "live_units": live.units,
        "live_verdict": live.verdict,
        "offline_verdict": offline.verdict,
    }
    same = all(told["live"][name]["verdict"] == told["offline"][other]["verdict"] for name, other in COMPARED.items())
    print(f"live:    {live.verdict}\noffline: {offline.verdict}\nthe same: {same}", flush=True)
    return {"int8_same_verdict": same, "int8": told}


def _made(workspace: Workspace, folder: Path) -> tuple[str, Version, Version]:
    """The dataset, the model in FP32 and in INT8, as the demo makes them."""
    models = workspace.models
    base = models.fetch(demo.MODEL, "minilm").result()["version"]
    sentences = demo.write_sentences(workspace, folder / "sentences.csv")
    dataset = workspace.datasets.add(f"file:{sentences}", "sentences", "text", "label").result()["dataset"]
    tuned = models.finetune(base, dataset, "sentiment", **demo.TRAINING).result()["version"]
    fp32 = models.version(models.convert(tuned).result()["version"])
    return dataset, fp32, models.version(models.quantize(fp32.ref).result()["version"])


def _live(workspace: Workspace, dataset: str, fp32: Version, int8: Version) -> Found:
    """Held-out sentences, each of a user of its own, who says whether the answer was right."""
    from jupyter_modeldeploy.jobs.kinds import held_out

    examples = held_out.examples(workspace.store, workspace.datasets.get(dataset))
    classes = workspace.datasets.get(dataset).classes
    with demo.served(workspace, fp32) as service:
        over = threading.Event()
        asked = [(example.text, classes[example.label]) for example in examples]
        users = threading.Thread(target=_ask, args=(workspace, service, asked, over))
        users.start()
        try:
            options = {"metrics": {"right": "mean"}, "guardrails": {"latency_p95": "off"}}
            running = Experiment(int8.ref, fp32.ref, service.name, [50, 50], workspace=workspace, **options)
            return running.run(f"{LIVE_S}s").verdict(10 * LIVE_S)
        finally:
            over.set()
            users.join()


def _ask(workspace: Workspace, service: Service, asked: list[tuple[str, str]], over: threading.Event) -> None:
    headers = {"Authorization": f"Bearer {workspace.services.token(service.name)}"}
    with httpx.Client(base_url=str(service.url), headers=headers, timeout=30, trust_env=False) as client:
        outcomes: list[dict[str, Any]] = []
        for number, (text, label) in enumerate(itertools.cycle(asked)):
            if over.wait(PAUSE_S):
                return
            unit = f"user-{number}"
            answer = client.post("/predict", json={"text": text}, headers={"X-Unit-Id": unit}).raise_for_status().json()
            right = float(answer["predictions"][0]["label"] == label)
            outcomes.append({"unit": unit, "metric": "right", "value": right})
            if len(outcomes) == AT_ONCE:
                with suppress(Conflict):  # the experiment has not begun, or is over
                    workspace.services.record_outcomes(service.name, outcomes)
                outcomes = []


def _told(metric: Any) -> dict[str, Any]:
    difference = metric.difference
    span = None if difference is None else [difference.value, difference.low, difference.high]
    return {"verdict": metric.verdict, "base": metric.base, "candidate": metric.candidate, "difference": span}
