"""Each door stands by itself: what one of them lacks, the others do without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

USED = {
    "python": "from jupyter_modeldeploy import Workspace; assert Workspace().models.list() == []",
    "cli": "from jupyter_modeldeploy.cli.app import app; app(['models', 'list'], standalone_mode=False)",
    "server": "import jupyter_modeldeploy as it; [point] = it._jupyter_server_extension_points(); point['app']()",
    "widgets": "from jupyter_modeldeploy.widgets import ModelsPanel; ModelsPanel()",
    "magics": "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
    "import jupyter_modeldeploy; shell = Shell.instance(); jupyter_modeldeploy.load_ipython_extension(shell)\n"
    "shell.run_line_magic('modeldeploy', 'models list')",
}
"""Something that a person does through each."""
STANDS_ON = {"magics": "cli"}
"""The magics are the command line, in a cell."""
REMOVE = """
import sys

class Removed:
    def find_spec(self, name, path=None, target=None):
        if (name + ".").startswith("jupyter_modeldeploy.{door}."):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Removed())
"""


@pytest.mark.parametrize("removed", [door for door in USED if door != "python"])
def test_without_one_door_every_other_opens(removed: str, tmp_path: Path) -> None:
    others = [use for door, use in USED.items() if removed not in (door, STANDS_ON.get(door))]
    run = opened("\n".join(others), removed, tmp_path)
    assert run.returncode == 0, run.stderr


def test_a_door_that_these_tests_remove_is_gone(tmp_path: Path) -> None:
    assert "ModuleNotFoundError: jupyter_modeldeploy.cli" in opened(USED["cli"], "cli", tmp_path).stderr


def opened(use: str, removed: str, root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JUPYTER_MODELDEPLOY_ROOT": str(root)}
    command = [sys.executable, "-c", REMOVE.format(door=removed) + use]
    return subprocess.run(command, capture_output=True, text=True, env=environment)
