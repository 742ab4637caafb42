"""What a notebook's cell shows of a job."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_modeldeploy.records import Job, JobState
from jupyter_modeldeploy.workspace.cell import _bundle


def test_the_last_values_of_a_jobs_series_stand_below_its_bar() -> None:
    now = datetime.now(UTC)
    known = {"id": "0123456789ab", "kind": "finetune", "title": "Fine-tune", "parameters": {}, "owner": "me"}
    job = Job(state=JobState.running, created_at=now, queued_at=now, **known)
    shown = _bundle(job, {"validation_loss": 0.51234, "memory_bytes": 91_600_000.0})["text/html"]
    assert "<td>validation loss</td><td>0.5123</td>" in shown
    assert "<td>memory bytes</td><td>91.6 MB</td>" in shown
    assert "<table>" not in _bundle(job, {})["text/html"]
