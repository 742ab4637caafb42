"""The series of a training for TensorBoard and MLflow, beside the job's own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from jupyter_modeldeploy.errors import Unavailable
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training.options import Log
from jupyter_modeldeploy.training.run import Training


class Writer(Protocol):
    def metric(self, name: str, value: float, step: int) -> None: ...

    def close(self) -> None: ...


class Written:
    """A reporter whose series go to writers too."""

    def __init__(self, reporter: Reporter, writers: Sequence[Writer]) -> None:
        self._reporter, self._writers = reporter, writers

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        self._reporter.progress(done, total, unit, message)

    def metric(self, name: str, value: float, step: int) -> None:
        self._reporter.metric(name, value, step)
        for writer in self._writers:
            writer.metric(name, value, step)

    def sample(self, step: int, row: int, text: str, answer: str) -> None:
        self._reporter.sample(step, row, text, answer)


@contextmanager
def written(training: Training) -> Iterator[Reporter]:
    """The training's reporter, which writes the series also for what `log_to` names: event files of TensorBoard in
    `logs/tensorboard` beside the checkpoints, and a run of MLflow at MLFLOW_TRACKING_URI, else in
    `logs/mlflow.db`. A resumed training goes on with the same.

    Raises Unavailable without the package."""
    folder = training.checkpoints.with_name("logs")
    with ExitStack() as opened:
        writers = [_open(name, folder, training) for name in dict.fromkeys(training.options.log_to)]
        for writer in writers:
            opened.callback(writer.close)
        yield Written(training.reporter, writers) if writers else training.reporter


def _open(name: Log, folder: Path, training: Training) -> Writer:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _TensorBoard(folder) if name == "tensorboard" else _MLflow(folder, training)
    except ImportError as error:
        extra = f"pip install 'jupyter_modeldeploy[{name}]'"
        raise Unavailable(f"log_to names {name}, which cannot be imported: {error}.", extra) from error


class _TensorBoard:
    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def metric(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _MLflow:
    def __init__(self, folder: Path, training: Training) -> None:
        from mlflow import MlflowClient

        self._client: Any = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}")
        known = folder / "mlflow_run"
        if known.exists():
            self._run = known.read_text()
        else:
            self._run = self._begin(training)
            known.write_text(self._run)

    def _begin(self, training: Training) -> str:
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", "jupyter_modeldeploy")
        found = self._client.get_experiment_by_name(experiment)
        number = found.experiment_id if found else self._client.create_experiment(experiment)
        run: str = self._client.create_run(number).info.run_id
        for name, value in training.options.model_dump(exclude_none=True).items():
            self._client.log_param(run, name, value)
        self._client.log_param(run, "dataset", training.dataset.ref)
        return run

    def metric(self, name: str, value: float, step: int) -> None:
        self._client.log_metric(self._run, name, value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._run)
