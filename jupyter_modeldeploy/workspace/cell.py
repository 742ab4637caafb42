"""A job in a notebook's cell, which goes on showing how far the job is."""

from __future__ import annotations

import threading
import time
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.amounts import figures, measured
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.records import Job

if TYPE_CHECKING:
    from jupyter_modeldeploy.workspace.handle import JobHandle

LOOK_EVERY_S = 0.5
BAR_WIDTH = 240
"""Pixels."""


def show(handle: JobHandle) -> None:
    """Display the job and keep the display up to date until the job ends. A terminal gets one line, as it is now."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    shell = get_ipython()
    if not hasattr(shell, "kernel"):
        print(repr(handle))
        return
    job, panel = handle.job, _panel(shell, handle)
    shown = display({**panel, **_bundle(job, handle.last_metrics())}, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython's is not
    if not job.state.ended:
        following = (handle, shown, job, panel)
        threading.Thread(target=_follow, args=following, name=f"follow {job.id}", daemon=True).start()


def _panel(shell: Any, handle: JobHandle) -> dict[str, Any]:
    """The job's panel by its media type, where panels are registered with the kernel."""
    try:
        bundle = shell.display_formatter.mimebundle_formatter.lookup(handle)
    except KeyError:
        return {}
    made: dict[str, Any] = bundle(handle)
    return made


def _follow(handle: JobHandle, shown: Any, job: Job, panel: dict[str, Any]) -> None:
    """Show each change. A panel moves on by itself and would be drawn anew each time, so what stands behind it, for
    whoever opens the notebook without a kernel, changes with the job's state alone."""
    while not job.state.ended:
        time.sleep(LOOK_EVERY_S)
        before = job
        try:
            job = handle.job
        except ModelDeployError as error:  # the workspace is gone; the kernel's user is not to be interrupted
            shown.update({**panel, **_text(f"{job.title}: {error}")}, raw=True)
            return
        if job != before and (not panel or job.state != before.state):
            shown.update({**panel, **_bundle(job, handle.last_metrics())}, raw=True)


def _bundle(job: Job, latest: dict[str, float]) -> dict[str, str]:
    """What a front end may show: a bar and a table of the series as HTML, a line as text."""
    told = [str(job.state)]
    if not job.state.ended:
        told += [figures(job.progress), job.progress.message]
    elif job.error is not None:
        told += [job.error.message, job.error.hint]
    elif job.result is not None:
        told += [f"{name} {value}" for name, value in job.result.items() if isinstance(value, str)]
    line = ", ".join(part for part in told if part)
    bar = "" if job.state.ended else _bar(job)
    return {
        "text/plain": f"{job.title}: {line}",
        "text/html": f"<div><b>{escape(job.title)}</b></div><div>{bar}{escape(line)}</div>{_table(latest)}",
    }


def _table(latest: dict[str, float]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{measured(name, value)}</td></tr>"
        for name, value in latest.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _bar(job: Job) -> str:
    """A bar, which moves to and fro while it is not known how much there is."""
    total = job.progress.total
    value = f' value="{job.progress.done:g}" max="{total:g}"' if total else ""
    return f'<progress{value} style="width: {BAR_WIDTH}px; vertical-align: middle"></progress> '


def _text(line: str) -> dict[str, str]:
    return {"text/plain": line, "text/html": f"<div>{escape(line)}</div>"}
