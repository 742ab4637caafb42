"""`modeldeploy serve` and `modeldeploy predict`."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.command import answered, command, late_command, option
from jupyter_modeldeploy.cli.door import Door, printable

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.operations import Prediction
    from jupyter_modeldeploy.records import Service

REFS = Annotated[
    list[str],
    typer.Argument(metavar="REF...", help="versions: NAME, NAME@3 or NAME@alias", autocompletion=completion.versions),
]
SPLIT = Annotated[
    str | None,
    typer.Option("--split", help="shares of the traffic, one a version: 90,10; equal when left out"),
]

SHOWN_VALUES = 16


def add_to(app: typer.Typer) -> None:
    late_command(
        app,
        "serve",
        "Serve one or more versions behind one endpoint; returns when it is ready.",
        "modeldeploy serve sentiment@2 sentiment@3 --name reviews-api --split 50,50",
        _build_serve,
    )
    command(app, "predict", 'modeldeploy predict reviews-api "A lovely film."')(predict)


def predict(
    door: Door,
    service: Annotated[str, typer.Argument(help="a running service", autocompletion=completion.services)],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT...", help="texts to send; - reads one a line from stdin")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="which of its models answers; the first when left out",
            autocompletion=completion.models,
        ),
    ] = None,
    body: Annotated[
        str | None, typer.Option("--body", help="the whole request as JSON instead of texts; - reads it from stdin")
    ] = None,
) -> None:
    """Send texts, or a request of your own, to a running service."""
    if (body is None) == (not texts):
        raise typer.BadParameter("Give either texts or --body.")
    request = {"texts": _lines(texts)} if texts else _parsed(body or "")
    door.show(door.call("predict", name=service, body=request, model=model), _predictions)


def _lines(texts: list[str]) -> list[str]:
    if texts != ["-"]:
        return texts
    return [line for line in sys.stdin.read().splitlines() if line.strip()]


def _parsed(body: str) -> Any:
    try:
        return json.loads(sys.stdin.read() if body == "-" else body)
    except ValueError as error:
        raise typer.BadParameter(f"The body is not JSON: {error}.") from error


def _predictions(door: Door, prediction: Prediction) -> None:
    for answer in prediction.predictions:
        if isinstance(answer, dict) and {"label", "score"} <= answer.keys():
            door.out.print(printable(f"{answer['label']}  {answer['score']:.3f}"))
        else:
            door.out.print(json.dumps(answer), soft_wrap=True)
    door.err.print(f"answered by {prediction.version}", style="dim")


def _build_serve() -> Callable[..., None]:
    from jupyter_modeldeploy.cli.options import fields_from, parameters_of
    from jupyter_modeldeploy.records import ServiceSpec

    def serve(door: Door, refs: list[str], split: str | None, **settings: Any) -> None:
        if settings["auth"] == "none":
            door.warn("without a token every user of this machine can call the service.")
        spec = door.workspace.services.spec(
            versions=refs, weights=weights_of(split), **fields_from(ServiceSpec, settings)
        )
        door.show(door.call("create_service", **spec.model_dump()), _ready)

    own = [
        option("refs", REFS),
        *parameters_of(ServiceSpec, exclude=["models", "unloaded"]),
        option("split", SPLIT, None),
    ]
    return answered(serve, own)


def weights_of(split: str | None) -> list[float]:
    """The shares of `--split`; none without it."""
    try:
        return [float(share) for share in split.split(",")] if split else []
    except ValueError as error:
        raise typer.BadParameter(f"{split!r} is not numbers with commas between, such as 90,10.") from error


def _ready(door: Door, service: Service) -> None:
    """Where it is and how to call it. The token goes from one program to the next, never onto a command line."""
    door.out.print(f"{service.name} is ready: {service.url}", style="green", soft_wrap=True)
    body = json.dumps(_example(door, service), ensure_ascii=False)
    texts = '"A lovely film."' if "text" in body else f"--body '{body}'"
    door.suggest("Ask it", f"predict {service.name} {texts}")
    header = f"{door.command(f'services token {service.name} --header')} | " if service.spec.auth == "token" else ""
    flag = "-H @- " if header else ""
    door.out.print("With curl: ", end="")
    door.out.print(f"{header}curl {flag}{service.url}/predict -d '{body}'", style="cyan", soft_wrap=True)
    door.suggest("Stop it", f"services stop {service.name}")
