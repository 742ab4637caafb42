"""`%modeldeploy` and `%%modeldeploy`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.display import display
from typer.main import get_command

from jupyter_modeldeploy.cli.app import app
from jupyter_modeldeploy.cli.door import printable
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError
from jupyter_modeldeploy.magics import below, line, pages
from jupyter_modeldeploy.magics.door import CellDoor

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_modeldeploy.workspace import Workspace

RED, PLAIN = "\x1b[31m", "\x1b[0m"


@magics_class
class ModelDeployMagics(Magics):
    """The commands of `modeldeploy`, in this kernel."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._workspaces: dict[Path | None, Workspace] = {}

    @no_var_expand
    @line_cell_magic
    def modeldeploy(self, written: str, cell: str | None = None) -> None:
        """Fetch, fine-tune, optimise, serve, profile and compare models: `%modeldeploy --help` lists the commands.

        A long action is waited for, which `--no-wait` does not; interrupting the kernel ends the waiting alone. Raises
        what goes wrong as the Python door does, shown without the way that it took through our code."""
        try:
            self._run(written, cell)
        except ModelDeployError as error:
            error.__dict__["_render_traceback_"] = partial(_told, error)  # what IPython asks an exception for
            raise

    def _run(self, written: str, cell: str | None) -> None:
        words, kept = line.kept_as(line.split(written, self.shell.ev))
        program = get_command(app)
        page = pages.asked_for(program, words)
        if page is not None:
            display({"text/markdown": page, "text/plain": page}, raw=True)  # type: ignore[no-untyped-call]
            return
        door: CellDoor | None = None

        def made(root: Path | None, verbose: bool) -> CellDoor:
            nonlocal door
            door = CellDoor(root, verbose, opened=self._opened, cell=cell)
            return door

        _invoke(program, words if cell is None else below.command(words, cell, self._opened), made)
        if kept is not None and door is not None:
            self.shell.user_ns[kept] = door.answer

    def _opened(self, root: Path | None) -> Workspace:
        from jupyter_modeldeploy.workspace import Workspace

        if root not in self._workspaces:
            self._workspaces[root] = Workspace(root)
        return self._workspaces[root]


def _invoke(program: Any, words: list[str], door: Any) -> None:
    try:
        program.main(words, prog_name="%modeldeploy", standalone_mode=False, obj=door)
    except typer.TyperException as error:
        raise InvalidInput(error.format_message(), "See %modeldeploy --help, and that of the command.") from error


def _told(error: ModelDeployError) -> list[str]:
    """What went wrong and what to do, the command as it is typed in a cell."""
    hint = printable(error.hint).replace(": modeldeploy ", ": %modeldeploy ")
    return [f"{RED}{printable(error.message)}{PLAIN}", *([hint] if hint else [])]
