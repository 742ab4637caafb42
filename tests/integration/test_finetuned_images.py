"""Checkpoints of others for images, from where they lie to an endpoint that says what is on a photo: one of timm from a
hub, and a `.pt` of ultralytics, which somebody has to trust first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import torch
from coloured_squares import COLOURS, square_folder, square_photos
from digit_images import untrained_tiny_yolo
from hub import serving
from pictures import file, picture
from serving_service import client
from tiny_timm import make_timm
from typer.testing import CliRunner, Result

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.cli.app import app
from jupyter_modeldeploy.records import EvaluationReport
from jupyter_modeldeploy.runtimes import yolo_network

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def modeldeploy(folder: Path) -> Run:
    """Run `modeldeploy …`; jobs and services have processes of their own."""
    environment = {
        "JUPYTER_MODELDEPLOY_ROOT": str(folder / "root"),
        "JUPYTER_MODELDEPLOY_ALLOWED_HOSTS": "127.0.0.0/8",
        "HF_HOME": str(folder / "hf"),
        "HF_TOKEN": "",
        "COLUMNS": "200",
    }

    def run(*arguments: str, status: int = 0, **more: str) -> Result:
        result = CliRunner(env={**environment, **more}).invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == status, f"{arguments}: {result.stdout}{result.stderr}"
        return result

    return run


@pytest.fixture(scope="module")
def classifier(modeldeploy: Run, folder: Path) -> str:
    """A network of timm that comes from a hub, fine-tuned to tell colours."""
    make_timm(folder / "timm", ["cat", "dog", "newt"])
    modeldeploy("datasets", "add", f"file:{square_folder(folder / 'squares', 20)}", "--name", "squares")
    with serving() as hub:
        files = {path.name: path.read_bytes() for path in (folder / "timm").iterdir()}
        hub.repositories["timm/tiny"].commit({**files, "pytorch_model.bin": b"the same as a pickle"})
        modeldeploy("fetch", "hf:timm/tiny", "--name", "tiny", HF_ENDPOINT=hub.url)
    options = ["--epochs", "4", "--batch-size", "8", "--learning-rate", "1e-3", "--precision", "fp32"]
    modeldeploy("finetune", "tiny", "--dataset", "squares", "--name", "colours", *options)
    return "colours"


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Path:
    """A `.pt` as ultralytics writes it."""
    described = yolo_network.load(untrained_tiny_yolo(folder / "described"))
    network = yolo_network.with_classes(described, ["cat", "dog", "newt"], seed=0)
    torch.save({"model": network.model, "ema": None, "train_args": {"imgsz": 64}}, folder / "best.pt")
    return folder / "best.pt"


@pytest.fixture(scope="module")
def photos(modeldeploy: Run, folder: Path) -> list[tuple[bytes, tuple[str, tuple[int, int, int, int]]]]:
    found, held_out = square_photos(folder / "photos", 32, 6)
    modeldeploy("datasets", "add", f"file:{found}", "--name", "photos")
    return held_out


@pytest.fixture(scope="module")
def detector(modeldeploy: Run, checkpoint: Path, photos: object) -> str:
    """The network of the `.pt`, which somebody trusts, fine-tuned to find squares."""
    modeldeploy("fetch", f"file:{checkpoint}", "--name", "yolo")
    modeldeploy("models", "trust", "yolo@1", "--reason", "made by this test")
    options = ["--epochs", "20", "--batch-size", "8", "--learning-rate", "0.02", "--augmentation", "none"]
    modeldeploy("finetune", "yolo", "--dataset", "photos", "--name", "finder", *options, "--precision", "fp32")
    return "finder"


@pytest.fixture(scope="module")
def served(modeldeploy: Run, folder: Path, classifier: str, detector: str) -> Iterator[httpx.Client]:
    """Both in one running service, `/predict/colours` and `/predict/finder`."""
    modeldeploy("serve", classifier, detector, "--name", "seeing")
    workspace = Workspace(folder / "root")
    with client(workspace.store, workspace.services.get("seeing")) as connected:
        yield connected
    workspace.services.stop("seeing")
    workspace.close()


def test_a_pt_that_nobody_trusts_is_not_fine_tuned_and_the_refusal_says_what_to_do(
    modeldeploy: Run, checkpoint: Path, photos: object
) -> None:
    modeldeploy("fetch", f"file:{checkpoint}", "--name", "stranger")

    refused = modeldeploy("finetune", "stranger", "--dataset", "photos", "--name", "never", status=1)

    assert 'modeldeploy models trust stranger@1 --reason "…"' in " ".join(refused.stderr.split())
    assert "never" not in modeldeploy("models", "list").stdout


@pytest.mark.parametrize(("made", "metric"), [("classifier", "accuracy"), ("detector", "map50")])
def test_a_version_is_judged_by_what_serves_it_as_its_training_judged_it(
    modeldeploy: Run, folder: Path, request: pytest.FixtureRequest, made: str, metric: str
) -> None:
    name = request.getfixturevalue(made)
    told = modeldeploy("evaluate", name, "--json").stdout
    report = EvaluationReport.model_validate(json.loads(told)["result"]["evaluation"])
    workspace = Workspace(folder / "root")
    trained = workspace.models.version(name).metrics[metric]
    workspace.close()
    assert (report.metrics[0].name, report.metrics[0].value) == (metric, pytest.approx(trained, abs=0.02))


def test_a_fine_tuned_checkpoint_of_timm_says_what_a_photo_shows(served: httpx.Client) -> None:
    for name, colour in COLOURS.items():
        answer = served.post("/predict/colours", content=file(picture(colour, (50, 40))))

        assert answer.status_code == 200, answer.text
        [prediction] = answer.json()["predictions"]
        assert (prediction["label"], set(prediction["scores"])) == (name, set(COLOURS))


def test_a_fine_tuned_detector_says_what_is_where_on_a_photo(
    served: httpx.Client, photos: list[tuple[bytes, tuple[str, tuple[int, int, int, int]]]]
) -> None:
    for photo, (name, corners) in photos:
        answer = served.post("/predict/finder", content=photo)

        assert answer.status_code == 200, answer.text
        best = max(answer.json()["predictions"][0]["boxes"], key=lambda box: box["score"])
        assert best["label"] == name
        assert best["box"] == pytest.approx(corners, abs=6)
