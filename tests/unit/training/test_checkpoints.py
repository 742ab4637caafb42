from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.training.checkpoints import Checkpoints, step_of


def written(checkpoints: Checkpoints, step: int) -> None:
    folder = checkpoints.writing / f"checkpoint-{step}"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(100))
    (folder / "optimizer.pt").write_bytes(bytes(200))


def published(folder: Path, *steps: int) -> Checkpoints:
    checkpoints = Checkpoints(folder, "run")
    for step in steps:
        written(checkpoints, step)
        checkpoints.publish(step)
    return checkpoints


def test_the_latest_has_the_most_steps_and_older_ones_go(tmp_path: Path) -> None:
    checkpoints = published(tmp_path, 90, 100, 110)

    latest = checkpoints.latest()

    assert latest is not None
    assert step_of(latest) == 110
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-100", "checkpoint-110"]


def test_what_was_not_published_is_not_resumed(tmp_path: Path) -> None:
    written(published(tmp_path, 10), 20)

    again = Checkpoints(tmp_path, "run")

    assert again.latest() == tmp_path / "checkpoint-10"
    assert not list(again.writing.iterdir())


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(bytes(50))], ids=["missing", "cut"])
def test_a_checkpoint_with_a_missing_or_cut_file_is_passed_over(tmp_path: Path, harm: object) -> None:
    checkpoints = published(tmp_path, 10, 20)

    harm(tmp_path / "checkpoint-20" / "optimizer.pt")  # type: ignore[operator]

    assert checkpoints.latest() == tmp_path / "checkpoint-10"


def test_a_folder_without_its_list_is_passed_over(tmp_path: Path) -> None:
    checkpoints = published(tmp_path)
    (tmp_path / "checkpoint-10").mkdir()

    assert checkpoints.latest() is None


def test_the_checkpoints_of_another_run_are_refused(tmp_path: Path) -> None:
    published(tmp_path, 10)

    with pytest.raises(Conflict, match="other options"):
        Checkpoints(tmp_path, "another run")


def test_facts_are_remembered_for_the_next_attempt(tmp_path: Path) -> None:
    published(tmp_path).remember("before", {"correct": 1})

    assert Checkpoints(tmp_path, "run").recall("before") == {"correct": 1}
