"""Wait for a job and show how far it is: a bar on a terminal, a line now and then elsewhere, nothing with `--json`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_modeldeploy.amounts import figures
from jupyter_modeldeploy.cli.door import INTERRUPTED, Door, Interrupted, printable

if TYPE_CHECKING:
    from jupyter_modeldeploy.cli.door import ShowJob
    from jupyter_modeldeploy.records import Job

BAR_WIDTH = 20


def wait(door: Door, job_id: str) -> Job:
    """The succeeded job. Raises JobFailed; on Ctrl-C says that the job goes on, and exits."""
    handle = door.workspace.jobs.get(job_id)
    try:
        with door.follow(handle) as show:
            return handle.wait(on_progress=show)
    except KeyboardInterrupt:
        hint = f"Follow it: {door.command(f'jobs wait {job_id}')}\nCancel it: {door.command(f'jobs cancel {job_id}')}"
        door.fail(Interrupted(f"The job {job_id} goes on.", hint), INTERRUPTED)


@contextmanager
def shown(door: Door, job: Job) -> Iterator[ShowJob | None]:
    """Show on stderr how far the job is."""
    if door.json:
        yield None
        return
    door.err.print(f"{printable(job.title)} (job {job.id})", soft_wrap=True)
    if not door.err.is_terminal:
        yield _lines(door)
        return
    with _bar(door) as show:
        yield show


@contextmanager
def _bar(door: Door) -> Iterator[ShowJob]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    message = TextColumn(
        "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
    )
    numbers = TextColumn("{task.fields[figures]}", markup=False, table_column=Column(no_wrap=True))
    bar = Progress(
        SpinnerColumn(), BarColumn(BAR_WIDTH), numbers, message, console=door.err, transient=True, expand=True
    )
    with bar:
        task = bar.add_task("", total=None, figures="")

        def show(job: Job) -> None:
            bar.update(
                task,
                completed=job.progress.done,
                total=job.progress.total,
                description=_message(job),
                figures=figures(job.progress),
            )

        yield show


def _lines(door: Door) -> ShowJob:
    """One line for each new message and each tenth of the way."""
    last: tuple[str, str, int] | None = None

    def show(job: Job) -> None:
        nonlocal last
        progress = job.progress
        tenth = int(10 * progress.done / progress.total) if progress.total else 0
        now = (_message(job), progress.unit, tenth)
        if now == last or job.state.ended:
            return
        last = now
        door.err.print("  " + ": ".join(part for part in (_message(job), figures(progress)) if part), soft_wrap=True)

    return show


def _message(job: Job) -> str:
    return printable(job.progress.message) or str(job.state)
