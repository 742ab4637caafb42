"""The command line in a notebook's cells: `%load_ext jupyter_modeldeploy`, then `%modeldeploy fetch …`.

The commands, their options and what they print are those of `cli/`; here is only what a cell has and a terminal has
not: Python's variables, rich output, and a cell below the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load(shell: InteractiveShell) -> None:
    """Give the shell `%modeldeploy` and `%%modeldeploy`, and what Tab offers after them."""
    from jupyter_modeldeploy.magics import completion
    from jupyter_modeldeploy.magics.magic import ModelDeployMagics

    shell.register_magics(ModelDeployMagics(shell))
    completion.offer(shell)
