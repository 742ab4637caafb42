"""`modeldeploy experiments …` and `modeldeploy rollout`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from jupyter_modeldeploy.cli import completion, experiment_page, outcomes
from jupyter_modeldeploy.cli.command import answered, command, late_command, option
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.cli.group import group
from jupyter_modeldeploy.cli.operation import DETACH, OperationCommand, finish

app = group("See, run and steer experiments on a service's own traffic; alone it lists them.")

ARGUMENTS = ("name", "candidate")
RUN = (
    "Hold a version against another on a service's own traffic, with guardrails that take it back by themselves.\n\n"
    "It goes on until its duration is over; Ctrl-C leaves it running. With --steps its share rises as it goes."
)
ROLLOUT = (
    "Give a version a service's traffic step by step, and take it back where a guardrail is breached.\n\n"
    "Each step lasts --hold and --hold-units at least. --steps 100 is a switch at once, after a look at the base, that "
    "is watched for --hold and taken back in one go."
)
STEPS = "10,25,50,75,100"
ACTIONS = {
    "pause": "Hold an experiment at the share that it has; guardrails go on to be watched.",
    "resume": "Let a paused experiment go on, also in spite of what it was paused for.",
    "promote": "End an experiment and give its candidate all the traffic of the two.\n\n"
    "With --alias, or where the experiment was run with it, that alias points at it too; where its rule refuses that, "
    "the traffic stays as it is.",
    "roll-back": "End an experiment and give its base all the traffic of the two.",
    "stop": "End an experiment and split the traffic as before.",
}


DRY_RUN = Annotated[
    str | None,
    typer.Option(
        "--dry-run",
        metavar="ID|SERVICE|FILE",
        help="change nothing: say what would have been done in an experiment's traffic, or in a service's request log",
        autocompletion=completion.experiments,
    ),
]


def _on_one(name: str, operation: str, help: str, **fields: str | None) -> OperationCommand:
    """A command on one experiment."""
    example, ids = f"modeldeploy experiments {name} 4f1d2c3b5a69", {"id": completion.experiments}
    return OperationCommand(name, operation, help, example, experiment_page.shown, ["id"], ids, fields)


OperationCommand(
    "list",
    "list_experiments",
    "List the experiments with their verdicts, newest first.",
    "modeldeploy experiments list",
    experiment_page.listed,
).add_to(app)


@command(app, "show", "modeldeploy experiments show 4f1d2c3b5a69 --out report.html")
def show(
    door: Door,
    experiment: Annotated[str, typer.Argument(metavar="ID", help="its id", autocompletion=completion.experiments)],
    out: Annotated[Path | None, typer.Option("--out", help="write it to this file: HTML, or .json or .md")] = None,
) -> None:
    """Show its verdict, metrics and guardrails, and what was decided when and why; or write that as a file."""
    door.show(door.call("get_experiment", id=experiment), experiment_page.shown)
    if out is not None:
        door.workspace.experiments.report(experiment).write(out)
        door.tell(f"The report: {out}")


late_command(
    app,
    "run",
    RUN,
    "modeldeploy experiments run reviews-api sentiment@3 --traffic-split 80,20 --duration 7d",
    lambda: _build(),
)
OperationCommand(
    "plan",
    "plan_experiment",
    "Tell how many units an experiment needs, how long that takes, and what is found in less.",
    "modeldeploy experiments plan --base 0.12 --minimum-effect 0.01 --daily-units 5000",
    experiment_page.planned,
    completions={"service": completion.services},
).add_to(app)
for _name, _help in ACTIONS.items():
    _fixed = {"action": _name} if _name == "promote" else {"action": _name, "alias": None}
    _on_one(_name, "act_on_experiment", _help, **_fixed).add_to(app)
outcomes.add_to(app)


def add_to(root: typer.Typer) -> None:
    root.add_typer(app, name="experiments")
    example = f"modeldeploy rollout reviews-api sentiment@3 --steps {STEPS} --hold 10m"
    late_command(root, "rollout", ROLLOUT, example, lambda: _build(STEPS, {"traffic_split", "promote", "at_end"}))


def _build(steps: str | None = None, left_out: Collection[str] = ()) -> Callable[..., None]:
    from jupyter_modeldeploy.api.experiments import RunExperiment
    from jupyter_modeldeploy.cli.options import COMPLETIONS, fields_from, parameters_of

    def run(door: Door, detach: bool, dry_run: str | None, **values: Any) -> None:
        fields = fields_from(RunExperiment, values)
        if dry_run is None:
            finish(door, door.call("run_experiment", **fields).id, detach)
        else:
            del fields["name"]
            door.show(door.call("rehearse_experiment", traffic=dry_run, **fields), experiment_page.rehearsed)

    completions = {**COMPLETIONS, "name": completion.services}
    own = parameters_of(RunExperiment, ARGUMENTS, left_out, completions)
    own = [one.replace(default=steps) if steps and one.name == "steps" else one for one in own]
    return answered(run, [*own, option("dry_run", DRY_RUN, None), option("detach", DETACH, False)])
