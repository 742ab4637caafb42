"""The command line's door as a cell has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.display import display

from jupyter_modeldeploy.cli.door import Door, View
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError
from jupyter_modeldeploy.magics.html import CellConsole

if TYPE_CHECKING:
    from pydantic import BaseModel

    from jupyter_modeldeploy.records.optimizations import Optimization
    from jupyter_modeldeploy.workspace import JobHandle, Workspace


class CellDoor(Door):
    """One call of the magic. `opened` gives the kernel's workspace of a root folder, which stays open; `cell` is what
    stands below the line."""

    def __init__(
        self,
        root: Path | None = None,
        verbose: bool = False,
        *,
        opened: Callable[[Path | None], Workspace],
        cell: str | None = None,
    ) -> None:
        super().__init__(root, verbose)
        self._opened = opened
        self._cell = cell
        self._answer: BaseModel | str | None = None

    @property
    def workspace(self) -> Workspace:  # it is the kernel's, not this call's
        return self._opened(self.root)

    @cached_property
    def out(self) -> CellConsole:
        return CellConsole()

    @property
    def err(self) -> CellConsole:  # a cell has one place for both
        return self.out

    @property
    def answer(self) -> Any:
        """What came out, for a variable: a job's handle, a service's endpoint, else the API's response."""
        from jupyter_modeldeploy.deployment import DeployedEndpoint
        from jupyter_modeldeploy.records import Job, Service

        if isinstance(self._answer, Job):
            return self.workspace.jobs.get(self._answer.id)
        if isinstance(self._answer, Service):
            return DeployedEndpoint(self.workspace, self._answer.name)
        return self._answer

    def show(self, response: BaseModel, view: View) -> None:
        from jupyter_modeldeploy.records import NewToken

        self._answer = response
        self.json = self.json and not isinstance(response, NewToken)
        found = None if self.json else _search(response)
        if found is None:
            super().show(response, view)
        else:
            self._show_report(found)

    def write(self, text: str) -> None:
        self.close()
        super().write(text)

    def hand_over(self, secret: str, note: str = "") -> None:
        self._answer = secret
        self.out.print("It is not shown: outputs are saved and shared. -o NAME keeps it in a variable.")

    def given(self) -> str:
        if self._cell is None:
            raise InvalidInput("There is nothing below the line to read.", "Begin the cell with %%modeldeploy.")
        return self._cell

    @contextmanager
    def follow(self, handle: JobHandle) -> Iterator[None]:
        """The job's own display, which moves on by itself."""
        self._display(handle)
        yield

    def submitted(self, handle: JobHandle) -> None:
        self._answer = handle.job
        self._display(handle)

    def command(self, text: str) -> str:
        return f"%{super().command(text)}"

    def fail(self, error: ModelDeployError, status: int = 1) -> NoReturn:
        raise error

    def close(self) -> None:
        """Show what was printed. The workspace is the kernel's and stays open."""
        if (bundle := self.out.taken()) is not None:
            display(bundle, raw=True)  # type: ignore[no-untyped-call]  # IPython's is not

    def _show_report(self, found: Optimization) -> None:
        from jupyter_modeldeploy.cli import optimization_page
        from jupyter_modeldeploy.reporting.optimization import OptimizationReport

        self._display(OptimizationReport(**found.model_dump()))
        optimization_page.suggest(self, found)

    def _display(self, shown: Any) -> None:
        self.close()
        if not self.json:
            display(shown)  # type: ignore[no-untyped-call]  # IPython's is not


def _search(response: BaseModel) -> Optimization | None:
    """The search that the response tells of, which has a report."""
    from jupyter_modeldeploy.records import Job
    from jupyter_modeldeploy.records.optimizations import Optimization

    if isinstance(response, Job) and response.kind == "optimize" and response.result is not None:
        return Optimization.model_validate(response.result)
    return response if isinstance(response, Optimization) else None
