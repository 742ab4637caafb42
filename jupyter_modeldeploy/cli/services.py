"""`modeldeploy services …`"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from jupyter_modeldeploy.cli import completion, views
from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door, View
from jupyter_modeldeploy.cli.operation import OperationCommand

app = typer.Typer(no_args_is_help=True, help="See, start and stop served endpoints.")

ServiceName = Annotated[str, typer.Argument(metavar="NAME", help="a service", autocompletion=completion.services)]


def _on_one(name: str, operation: str, help: str, view: View) -> OperationCommand:
    """A command on one service."""
    example = f"modeldeploy services {name} reviews-api"
    return OperationCommand(name, operation, help, example, view, ["name"], {"name": completion.services})


SERVICES = (
    OperationCommand(
        "list", "list_services", "List the services with what they serve.", "modeldeploy services list", views.services
    ),
    _on_one("show", "get_service", "Show a service: its state, address, versions and their shares.", views.service),
    _on_one("start", "start_service", "Start a stopped service as it was; returns when it is ready.", views.service),
    _on_one("stop", "stop_service", "Let the requests under way end, then stop the service.", views.stopped),
    _on_one("remove", "remove_service", "Forget a stopped service.", views.removed),
    _on_one("log", "read_service_log", "Print the end of a service's log.", views.service_log),
)

for _command in SERVICES:
    _command.add_to(app)


@command(app, "token", "modeldeploy services token reviews-api --header | curl -H @- URL")
def print_token(
    door: Door,
    name: ServiceName,
    header: Annotated[bool, typer.Option("--header", help="print the whole header, as `curl -H @-` takes it")] = False,
) -> None:
    """Print the token that a service's callers send. Whoever has it may call the service."""
    token = door.workspace.services.token(name)
    if door.json:
        print(json.dumps({"token": token}))
    elif token is None:
        door.err.print(f"{name} asks for no token.")
    else:
        print(f"Authorization: Bearer {token}" if header else token)
