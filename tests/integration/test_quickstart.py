"""The quickstart notebook runs from top to bottom in a kernel of a real Jupyter server."""

from __future__ import annotations

from pathlib import Path

import nbformat
from jupyter_process import Kernel, running_server

from jupyter_modeldeploy import Workspace

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
SHORTER = "from jupyter_modeldeploy import demo; demo.LEAST_RATING = 2.5"
"""Of the sentences only the clearest, so that judging the four versions takes seconds."""


def run_through(kernel: Kernel) -> list[str]:
    """What each cell printed. In the middle of the training the kernel is restarted, as the notebook says it may be."""
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    kernel.run(SHORTER)
    outputs = []
    for source in cells:
        outputs.append(kernel.run(source.replace("max_steps=30", "max_steps=12")))
        if "finetune(" in source:
            job = kernel.run("training.id").strip("'")
            kernel.restart()
            kernel.run(cells[0])
            kernel.run(f"training = workspace.jobs.get({job!r})")
    return outputs


def test_the_quickstart_runs_and_survives_a_kernel_restart(tmp_path: Path, root: Path) -> None:
    with running_server(tmp_path) as server:
        kernel = Kernel(server)
        outputs = run_through(kernel)
        kernel.close()
    assert "held-out accuracy" in "\n".join(outputs)
    assert "answers" in outputs[-2]
    assert "stopped" in outputs[-1]
    workspace = Workspace(root)
    assert [version.ref for version in workspace.models.versions("sentiment")] == [f"sentiment@{n}" for n in (1, 2, 3)]
    assert workspace.services.get("quickstart").state.ended
    workspace.close()
