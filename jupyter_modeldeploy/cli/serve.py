"""`modeldeploy serve` and `modeldeploy predict`."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.command import answered, command, late_command, option
from jupyter_modeldeploy.cli.door import Door, printable

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.services import Prediction
    from jupyter_modeldeploy.records import Service, ServiceSpec

REFS = Annotated[
    list[str],
    typer.Argument(metavar="REF...", help="versions: NAME, NAME@3 or NAME@alias", autocompletion=completion.versions),
]
SPLIT = Annotated[
    str | None,
    typer.Option("--split", help="shares of the traffic, one a version: 90,10; equal when left out"),
]

FALLBACK = Annotated[
    str | None,
    typer.Option(
        "--fallback",
        metavar="REF,…",
        help="versions that answer where the others of their model fail, with commas between",
        autocompletion=completion.versions,
    ),
]

REPLACE = Annotated[
    bool,
    typer.Option("--replace", help="where the service is there, change it to this without losing a request"),
]

HELP = (
    "Serve versions of one or more models behind one endpoint; returns when it is ready.\n\n"
    "Two versions of a model share its traffic: serve sentiment@2 sentiment@3 --split 90,10.\n\n"
    "Clients of Triton and MLServer work unchanged: --port speaks V2 over HTTP, --grpc-port over gRPC. --instances is "
    "an instance group's count, --max-batch-rows the largest batch (there is no delay to set), and models are loaded "
    "and unloaded like a repository's."
)

PANELS = {
    "Address and access": ("host", "port", "grpc_port", "unix_socket", "tls_certificate", "tls_key", "auth"),
    "Processes and machine": (
        *("instance_type", "replicas", "min_replicas", "max_replicas", "target_rps", "target_queue_ms"),
        *("target_utilization", "down_after_s", "idle_s", "instances", "threads", "start_at_boot"),
    ),
    "Batches and queue": ("max_batch_rows", "max_queue", "timeout_s"),
    "Limits": (
        *("max_body_bytes", "max_text_characters", "max_image_pixels", "max_tensor_bytes", "rate", "burst"),
        "log_sample",
    ),
    "When a version fails": (
        *("breaker_share", "breaker_requests", "breaker_window_s", "breaker_open_s", "stale_answers"),
    ),
    "Answers that are kept": ("cache_bytes", "cache_ttl_s", "cache_url"),
    "Experiments": ("exposures", "attributes"),
}


def add_to(app: typer.Typer) -> None:
    late_command(app, "serve", HELP, "modeldeploy serve tiny minilm resnet --name all --port 8000", _build_serve)
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
    image: Annotated[
        list[Path] | None, typer.Option("--image", help="an image file to send; may be given more than once")
    ] = None,
    body: Annotated[
        str | None, typer.Option("--body", help="the whole request as JSON instead of texts; - reads it from stdin")
    ] = None,
) -> None:
    """Send texts, images, or a request of your own, to a running service."""
    if sum(map(bool, (texts, image, body is not None))) != 1:
        raise typer.BadParameter("Give texts, --image or --body.")
    if texts:
        request: Any = {"texts": _lines(door, texts)}
    else:
        request = {"images": [*map(_encoded, image)]} if image else _parsed(door, body or "")
    door.show(door.call("predict", name=service, body=request, model=model), _predictions)


def _lines(door: Door, texts: list[str]) -> list[str]:
    if texts != ["-"]:
        return texts
    return [line for line in door.given().splitlines() if line.strip()]


def _encoded(image: Path) -> str:
    try:
        return base64.b64encode(image.read_bytes()).decode()
    except OSError as error:
        raise typer.BadParameter(f"{image} cannot be read: {error.strerror}.") from error


def _parsed(door: Door, body: str) -> Any:
    try:
        return json.loads(door.given() if body == "-" else body)
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

    def serve(
        door: Door,
        refs: list[str],
        name: str | None,
        split: str | None,
        fallback: str | None,
        replace: bool,
        **settings: Any,
    ) -> None:
        if settings["auth"] == "none":
            door.warn("without a token every user of this machine can call the service.")
        spec = door.workspace.services.spec(
            name or refs[0].partition("@")[0],
            refs,
            weights_of(split),
            fallback.split(",") if fallback else [],
            **fields_from(ServiceSpec, settings),
        )
        is_there = replace and any(one.name == spec.name for one in door.workspace.services.list())
        door.show(_replaced(door, spec) if is_there else door.call("create_service", **spec.model_dump()), _ready)

    name, *settings = parameters_of(ServiceSpec, exclude=["models", "unloaded"])
    own = [
        option("refs", REFS),
        _named_by_default(name),
        option("split", SPLIT, None),
        option("fallback", FALLBACK, None),
        option("replace", REPLACE, False),
        *(_in_panel(each) for each in settings),
    ]
    return answered(serve, own)


def _replaced(door: Door, spec: ServiceSpec) -> Any:
    """The service that is there, as `spec` says from now on."""
    changed = door.call("change_service", name=spec.name, spec=spec.model_dump(exclude={"name"}))
    return door.call("start_service", name=spec.name) if changed.state.ended else changed


def _named_by_default(parameter: inspect.Parameter) -> inspect.Parameter:
    """The name, which need not be given."""
    from jupyter_modeldeploy.cli.options import only_given

    get_args(parameter.annotation)[1].help = "the service's name; else that of the first model"
    return only_given(parameter)


def _in_panel(parameter: inspect.Parameter) -> inspect.Parameter:
    """The option under the heading that it belongs to."""
    panel = next((panel for panel, names in PANELS.items() if parameter.name in names), None)
    get_args(parameter.annotation)[1].rich_help_panel = panel
    return parameter


def weights_of(split: str | None) -> list[float]:
    """The shares of `--split`; none without it."""
    try:
        return [float(share) for share in split.split(",")] if split else []
    except ValueError as error:
        raise typer.BadParameter(f"{split!r} is not numbers with commas between, such as 90,10.") from error


def _ready(door: Door, service: Service) -> None:
    """Where it is and how to call it. The token goes from one program to the next, never onto a command line."""
    from jupyter_modeldeploy.serving import snippets

    door.out.print(f"{service.name} is ready: {service.url}", style="green", soft_wrap=True)
    for note in service.notes:
        door.out.print(printable(note), style="yellow", soft_wrap=True)
    served = service.spec.models[0]
    version = door.workspace.models.version(f"{served.model}@{served.arms[0].version}")
    asked = snippets.example(version.task, version.signature)
    if asked is None:
        words, data = "--image image.jpg", "--data-binary @image.jpg"
    else:
        body = json.dumps(asked, ensure_ascii=False)
        words, data = '"A lovely film."' if set(asked) == {"text"} else f"--body '{body}'", f"-d '{body}'"
    door.suggest("Ask it", f"predict {service.name} {words}")
    header = f"{door.in_shell(f'services token {service.name} --header')} | " if service.spec.auth == "token" else ""
    flag = "-H @- " if header else ""
    door.out.print("With curl: ", end="")
    door.out.print(f"{header}curl {flag}{service.url}/predict {data}", style="cyan", soft_wrap=True)
    door.suggest("In Python, with tritonclient and JavaScript", f"services snippets {service.name}")
    door.out.print(f"In a browser, with the token as the password: {service.url}/docs", soft_wrap=True)
    door.suggest("Stop it", f"services stop {service.name}")
