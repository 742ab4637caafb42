from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import yaml
from digit_images import untrained_tiny_yolo, untrained_yolo

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes import yolo_network
from jupyter_modeldeploy.runtimes.offline_ultralytics import tasks

IMAGE = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> yolo_network.Network:
    folder = untrained_tiny_yolo(tmp_path_factory.mktemp("described") / "yolo")
    return yolo_network.with_classes(yolo_network.load(folder), ["cat", "dog"], seed=0)


def output(network: yolo_network.Network) -> torch.Tensor:
    with torch.inference_mode():
        answer: torch.Tensor = network.model(IMAGE)[0]
    return answer


def checkpoint(path: Path, network: yolo_network.Network, **more: object) -> Path:
    """As ultralytics writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": network.model, "ema": None, "train_args": {"imgsz": 96}, **more}, path)
    return path.parent


def test_what_was_saved_is_the_same_network(network: yolo_network.Network, tmp_path: Path) -> None:
    yolo_network.save(network, tmp_path)

    loaded = yolo_network.load(tmp_path)

    assert (loaded.names, loaded.trained) == (["cat", "dog"], True)
    assert torch.equal(output(loaded), output(network))


def test_a_checkpoint_of_ultralytics_is_loaded_with_its_classes_and_size(
    network: yolo_network.Network, tmp_path: Path
) -> None:
    loaded = yolo_network.load(checkpoint(tmp_path / "yolo" / "best.pt", network))

    assert (loaded.names, loaded.image_size, loaded.trained) == (["cat", "dog"], 96, True)
    assert torch.equal(output(loaded), output(network))


class Harmful:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_that_would_run_something_is_refused(network: yolo_network.Network, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "yolo" / "best.pt", network, more=Harmful(tmp_path / "mark"))

    with pytest.raises(InvalidInput, match="no YOLO network that can be used"):
        yolo_network.load(folder)
    assert not (tmp_path / "mark").exists()


def test_a_description_that_would_run_something_is_refused(tmp_path: Path) -> None:
    folder = untrained_yolo(tmp_path / "yolo")
    described = yaml.safe_load((folder / "yolo11n.yaml").read_text())
    described["activation"] = f"__import__('os').mkdir({str(tmp_path / 'mark')!r})"
    (folder / "yolo11n.yaml").write_text(yaml.safe_dump(described))

    with pytest.raises(InvalidInput, match="activation"):
        yolo_network.load(folder)
    assert not (tmp_path / "mark").exists()


def test_a_layer_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = untrained_yolo(tmp_path / "yolo")
    described = yaml.safe_load((folder / "yolo11n.yaml").read_text())
    described["backbone"][0] = [-1, 1, "load_checkpoint", ["other.pt"]]
    (folder / "yolo11n.yaml").write_text(yaml.safe_dump(described))

    with pytest.raises(InvalidInput, match="no YOLO network that can be used"):
        yolo_network.load(folder)


def test_a_network_of_another_task_is_refused(tmp_path: Path) -> None:
    model = tasks.SegmentationModel("yolo11n-seg.yaml", verbose=False)
    torch.save({"model": model}, tmp_path / "seg.pt")

    with pytest.raises(InvalidInput, match="SegmentationModel"):
        yolo_network.load(tmp_path)


@pytest.mark.parametrize(("name", "scale"), [("yolo11s", "s"), ("yolov8n", "n"), ("mine", "n")])
def test_the_name_tells_the_size(name: str, scale: str, tmp_path: Path) -> None:
    folder = untrained_yolo(tmp_path / "yolo")
    (folder / "yolo11n.yaml").rename(folder / f"{name}.yaml")

    assert yolo_network.load(folder).model.yaml["scale"] == scale


def test_fitting_weights_are_taken_over_for_other_classes(network: yolo_network.Network) -> None:
    trained = replace(network, trained=True)

    other = yolo_network.with_classes(trained, ["a", "b", "c"], seed=1)

    assert torch.equal(other.model.model[0].conv.weight, network.model.model[0].conv.weight)
    assert output(other).shape[1] == 4 + 3


OFFLINE = """
import os, socket
def refused(*arguments, **named): raise AssertionError("it asked the network")
socket.getaddrinfo = socket.create_connection = socket.socket.connect = refused
import torch
plain = torch.save
from jupyter_modeldeploy.runtimes.offline_ultralytics import check_safe, utils
check_safe()
assert torch.save is plain
assert not utils.ONLINE
assert not utils.SETTINGS["sync"]
print(sorted(os.listdir(os.environ["HOME"])))
"""


def test_ultralytics_asks_no_network_and_leaves_nothing_in_the_home(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, env=environment, check=False
    )

    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.strip() == "[]"


def test_it_is_imported_in_one_place() -> None:
    package = Path(str(find_spec("jupyter_modeldeploy").origin)).parent  # type: ignore[union-attr]
    importing = [
        path.name
        for path in package.rglob("*.py")
        if re.search(r"^\s*(from|import) ultralytics\b", path.read_text(), re.MULTILINE)
    ]
    assert importing == ["offline_ultralytics.py"]
