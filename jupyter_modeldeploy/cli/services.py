"""`modeldeploy services …`"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from jupyter_modeldeploy.cli import completion, views
from jupyter_modeldeploy.cli.command import answered, command, late_command, option
from jupyter_modeldeploy.cli.door import Door, View
from jupyter_modeldeploy.cli.group import group
from jupyter_modeldeploy.cli.operation import OperationCommand

app = group("See, start and stop served endpoints; alone it lists them.")

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
    _on_one("rollback", "rollback_service", "Go back to how a service was before its last change.", views.service),
    OperationCommand(
        "scale",
        "scale_service",
        "Serve with more or fewer replicas, without losing a request.",
        "modeldeploy services scale reviews-api 3",
        views.service,
        ["name", "replicas"],
        {"name": completion.services},
    ),
    OperationCommand(
        "switch",
        "switch_service",
        "Give all traffic of a model to one version; the others stay loaded for a rollback at once.",
        "modeldeploy services switch reviews-api sentiment@3",
        views.service,
        ["name", "version"],
        {"name": completion.services, "version": completion.versions},
    ),
    OperationCommand(
        "resume",
        "resume_services",
        "Start again the services that want it at boot and ended with the machine.",
        "modeldeploy services resume",
        views.services,
    ),
    _on_one("shadow", "get_shadow", "Show how shadow versions answered copies of requests.", views.shadow),
    _on_one("snippets", "get_snippets", "Print code that calls a service, in each language.", views.snippets),
    _on_one("remove", "remove_service", "Forget a stopped service.", views.removed),
    _on_one("log", "read_service_log", "Print the end of a service's log.", views.service_log),
    OperationCommand(
        "records",
        "read_service_records",
        "Print the latest requests that a service kept a record of (--log-sample), or those that nobody could answer.",
        "modeldeploy services records reviews-api --kind review",
        views.records,
        ["name"],
        {"name": completion.services},
    ),
)

for _command in SERVICES:
    _command.add_to(app)


late_command(
    app,
    "change",
    "Change a running service without losing a request; returns when all its replicas serve so.",
    "modeldeploy services change reviews-api --max-queue 10 --serve sentiment@2,sentiment@3 --split 90,10",
    lambda: _build_change(),
)

SERVE = Annotated[
    str | None, typer.Option("--serve", metavar="REF,…", help="the versions to serve from now on, with commas between")
]


ROUTING = Annotated[
    str | None,
    typer.Option("--routing", metavar="FILE", help="rules, namespace and shadow of a model, as TOML or JSON"),
]

MODEL = Annotated[
    str | None,
    typer.Option("--model", help="which of its models; not needed for its only one", autocompletion=completion.models),
]

RESET = Annotated[
    list[str] | None,
    typer.Option("--reset", metavar="OPTION", help="back to what it is when left out: --reset rate --reset cache-url"),
]


def _build_change() -> Callable[..., None]:
    from jupyter_modeldeploy.cli.options import fields_from, only_given, parameters_of
    from jupyter_modeldeploy.cli.serve import FALLBACK, SPLIT, weights_of
    from jupyter_modeldeploy.records import ServiceSpec
    from jupyter_modeldeploy.serving.supervision.differences import FIXED
    from jupyter_modeldeploy.workspace.routing import kept, read_routing, routed

    fixed = ["models", "unloaded", *FIXED]

    def change(
        door: Door,
        name: str,
        serve: str | None,
        split: str | None,
        fallback: str | None,
        routing: str | None,
        model: str | None,
        reset: list[str] | None,
        **settings: Any,
    ) -> None:
        if split and not serve:
            raise typer.BadParameter("--split needs --serve with the versions that it is for.")
        services = door.workspace.services
        fields = fields_from(ServiceSpec, settings, reset or [])
        if serve or fallback or routing:
            former = services.get(name).spec.models
            wanted = services.spec(name, serve.split(","), weights_of(split)).models if serve else former
            models = services.with_fallbacks(kept(wanted, former), fallback.split(",") if fallback else [])
            models = routed(models, read_routing(routing), model) if routing else models
            fields["models"] = [served.model_dump() for served in models]
        door.show(door.call("change_service", name=name, spec=fields), views.service)

    settings = parameters_of(ServiceSpec, exclude=fixed)
    own = [
        option("name", ServiceName),
        option("serve", SERVE, None),
        option("split", SPLIT, None),
        option("fallback", FALLBACK, None),
        option("routing", ROUTING, None),
        option("model", MODEL, None),
        option("reset", RESET, None),
    ]
    return answered(change, [*own, *map(only_given, settings)])


@command(app, "preview", "modeldeploy services preview reviews-api --unit alice --attribute region=eu")
def preview_routing(
    door: Door,
    name: ServiceName,
    unit: Annotated[list[str] | None, typer.Option("--unit", help="whose version; may be given more than once")] = None,
    count: Annotated[int | None, typer.Option("--count", help="so many made-up units; 1000 without any --unit")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="what rules may ask for: region=eu")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="a text that is sent, for rules by the input")] = None,
    routing: ROUTING = None,
    model: MODEL = None,
) -> None:
    """Show who gets which version of a service's model and why, and the shares; with --routing, who would."""
    from jupyter_modeldeploy.workspace.routing import read_routing

    pairs = [given.partition("=") for given in attribute or []]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise typer.BadParameter(f"{wrong[0]!r} has no value: write NAME=VALUE.")
    attributes = {name: value for name, _, value in pairs}
    asked = {"units": unit or [], "count": count, "attributes": attributes, "input": text, "model": model}
    if routing:
        asked["routing"] = read_routing(routing)
    door.show(door.call("preview_routing", name=name, **asked), views.routing_preview)


@command(app, "token", "modeldeploy services token reviews-api --header | curl -H @- URL")
def print_token(
    door: Door,
    name: ServiceName,
    header: Annotated[bool, typer.Option("--header", help="print the whole header, as `curl -H @-` takes it")] = False,
) -> None:
    """Print the token that a service's callers send. Whoever has it may call the service."""
    token = door.workspace.services.token(name)
    if door.json:
        door.hand_over(json.dumps({"token": token}))
    elif token is None:
        door.err.print(f"{name} asks for no token.")
    else:
        door.hand_over(f"Authorization: Bearer {token}" if header else token)


class TokenAction(StrEnum):
    list = "list"
    create = "create"
    rotate = "rotate"
    revoke = "revoke"


@command(app, "tokens", "modeldeploy services tokens reviews-api create alice --expires-s 86400")
def change_tokens(
    door: Door,
    name: ServiceName,
    action: Annotated[TokenAction, typer.Argument(help="what to do")] = TokenAction.list,
    caller: Annotated[str | None, typer.Argument(help="whose token; owner holds the service's own")] = None,
    expires_s: Annotated[
        float | None, typer.Option("--expires-s", help="with create: seconds that it works; else until it is revoked")
    ] = None,
    grace_s: Annotated[
        float, typer.Option("--grace-s", help="with rotate: seconds that the old one works beside the new one")
    ] = 0.0,
) -> None:
    """List who has a token of a service; create one for a caller, rotate or revoke it. No restart is needed.

    A new token is printed once, alone, and nobody can read it again."""
    if action is TokenAction.list:
        door.show(door.call("list_tokens", name=name), views.tokens)
        return
    if caller is None:
        raise typer.BadParameter(f"Say whose token to {action}.")
    if action is TokenAction.create:
        door.show(door.call("create_token", name=name, caller=caller, expires_s=expires_s), views.new_token)
    elif action is TokenAction.rotate:
        door.show(door.call("rotate_token", name=name, caller=caller, grace_s=grace_s), views.new_token)
    else:
        door.show(door.call("revoke_token", name=name, caller=caller), views.revoked)
