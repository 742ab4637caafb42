"""`modeldeploy jobs …`"""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from jupyter_modeldeploy.cli import completion, views
from jupyter_modeldeploy.cli.actions import RESUME
from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.group import group
from jupyter_modeldeploy.cli.operation import OperationCommand, finish

POLL_S = 0.2

app = group("See, follow, cancel and resume long actions; alone it lists them.")

JobId = Annotated[str, typer.Argument(metavar="ID", help="a job's id", autocompletion=completion.jobs)]

JOBS = (
    OperationCommand("list", "list_jobs", "List the jobs, newest first.", "modeldeploy jobs list", views.jobs),
    OperationCommand(
        "show",
        "get_job",
        "Show a job: its state, its progress, what it made or what went wrong.",
        "modeldeploy jobs show 4f1d2c3b5a69",
        views.job,
        ["id"],
        {"id": completion.jobs},
    ),
    OperationCommand(
        "cancel",
        "cancel_job",
        "End a queued or running job; returns when none of its processes is left.",
        "modeldeploy jobs cancel 4f1d2c3b5a69",
        views.job,
        ["id"],
        {"id": completion.jobs},
    ),
    RESUME,
    OperationCommand(
        "metrics",
        "read_job_metrics",
        "Show what a job measured as it went: each series with its first, lowest, highest and last value.",
        "modeldeploy jobs metrics 4f1d2c3b5a69",
        views.metrics,
        ["id"],
        {"id": completion.jobs},
    ),
    OperationCommand(
        "samples",
        "read_job_samples",
        "Show what a model in training answered to some held-out rows as it went.",
        "modeldeploy jobs samples 4f1d2c3b5a69",
        views.samples,
        ["id"],
        {"id": completion.jobs},
    ),
)

for _command in JOBS:
    _command.add_to(app)


@command(app, "wait", "modeldeploy jobs wait 4f1d2c3b5a69")
def wait_for_job(door: Door, id: JobId) -> None:
    """Wait for a job and show what it made; the exit status is 1 when it failed."""
    finish(door, id)


@command(app, "log", "modeldeploy jobs log 4f1d2c3b5a69 --follow")
def read_log(
    door: Door,
    id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until the job ends")] = False,
) -> None:
    """Print a job's log. With --json each piece of it is a line of JSON."""
    offset = 0
    while True:
        piece = door.call("read_job_log", id=id, offset=offset)
        if piece.text or piece.ended:
            door.show(piece, _piece)
        if piece.next_offset > offset:
            offset = piece.next_offset
        elif follow and not piece.ended:
            time.sleep(POLL_S)
        else:
            return


def _piece(door: Door, piece: Any) -> None:
    door.write(printable(piece.text))
