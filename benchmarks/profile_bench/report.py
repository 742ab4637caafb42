"""How long the whole report of a served MiniLM takes, from asking for it to its page."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))  # the models that the tests make

from jupyter_modeldeploy import Workspace
from profile_bench.slow_services import WAIT_S, minilm


def run() -> dict[str, Any]:
    """Seconds, with what the report says."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Workspace(Path(folder) / "root")) as workspace:
        workspace.services.start(workspace.services.spec("minilm", [minilm(workspace)]))
        try:
            begun = time.monotonic()
            job = workspace.services.report("minilm")
            job.wait(timeout_s=WAIT_S)
            page = workspace.services.report_page(job.id)
            size = len(page.html())
            seconds = time.monotonic() - begun
        finally:
            workspace.services.stop("minilm")
    print(page.markdown())
    return {"report_s": seconds, "report": {"summary": page.summary, "page_bytes": size}}
