"""Commands that are one operation of the API: their arguments and options are the fields of its request, their
`--json` answer is its response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jupyter_modeldeploy.cli.command import answered, late_command, option
from jupyter_modeldeploy.cli.door import Door, View

if TYPE_CHECKING:
    from jupyter_modeldeploy.cli.options import Completion

DETACH = Annotated[
    bool, typer.Option("--no-wait/--wait", "--detach", help="print the job's id and return; the job goes on")
]


@dataclass(frozen=True)
class OperationCommand:
    """A command for the API's operation `operation`. The fields `arguments` are positional, those that are `fixed` are
    the command's own. `view` shows the answer; where there is none the operation starts a job, which is waited for."""

    name: str
    operation: str
    help: str
    example: str
    view: View | None = None
    arguments: Sequence[str] = ()
    completions: Mapping[str, Completion] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def add_to(self, app: typer.Typer) -> None:
        late_command(app, self.name, self.help, self.example, self._build)

    def _build(self) -> Callable[..., None]:
        from jupyter_modeldeploy.api.operations import OPERATIONS
        from jupyter_modeldeploy.cli.options import COMPLETIONS, fields_from, parameters_of

        request = next(one.request for one in OPERATIONS if one.name == self.operation)
        view, fixed = self.view, self.fixed

        def show(door: Door, **values: Any) -> None:
            assert view is not None
            door.show(door.call(self.operation, **fields_from(request, values), **fixed), view)

        def work(door: Door, detach: bool, **values: Any) -> None:
            finish(door, door.call(self.operation, **fields_from(request, values), **fixed).id, detach)

        own = parameters_of(request, self.arguments, fixed, completions={**COMPLETIONS, **self.completions})
        return answered(work, [*own, option("detach", DETACH, False)]) if view is None else answered(show, own)


def finish(door: Door, job_id: str, detach: bool = False, view: View | None = None) -> None:
    """Wait for a job that was submitted and say what it made, through `view` or as its kind is shown; or only which it
    is."""
    from jupyter_modeldeploy.cli import results, waiting

    if detach:
        door.submitted(door.workspace.jobs.get(job_id))
    else:
        door.show(waiting.wait(door, job_id), view or results.show_end)
