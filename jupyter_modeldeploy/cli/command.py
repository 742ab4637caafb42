"""How a function becomes a command: it takes the `Door`, answers through it, and gains `--json`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand

from jupyter_modeldeploy.cli.door import Door

JSON = Annotated[bool, typer.Option("--json", help="print JSON only, as the API answers it")]


def command(app: typer.Typer, name: str, example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the decorated function `(door, …)`, which answers through `door.show`, to `app`."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        app.command(name, help=inspect.getdoc(function), epilog=f"Example: {example}")(answered(function))
        return function

    return add


def answered(function: Callable[..., None], own: Sequence[inspect.Parameter] | None = None) -> Callable[..., None]:
    """`function` as Typer takes it: with `--json`, and with its errors turned into messages and exit statuses.

    `own` are its parameters after the door, where they are not those of its signature."""

    def run(ctx: typer.Context, json: bool, **arguments: Any) -> None:
        door: Door = ctx.obj
        with door.answering(json):
            function(door, **arguments)

    if own is None:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
            option("json", JSON, False),
        ]
    )
    return run


def option(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    """A parameter for `answered`."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


class LateCommand(TyperCommand):
    """A command whose options are made from records when it is first asked for them, so that the list of all commands
    is shown without loading any."""

    build: ClassVar[Callable[[], Callable[..., Any]]]
    _built: TyperCommand | None = None

    def get_params(self, ctx: Any) -> Any:
        return self._command().get_params(ctx)

    def invoke(self, ctx: Any) -> Any:
        return self._command().invoke(ctx)

    def _command(self) -> TyperCommand:
        if self._built is None:
            single = typer.Typer(add_completion=False)
            single.command()(type(self).build())
            built = typer.main.get_command(single)
            assert isinstance(built, TyperCommand)
            self._built = built
        return self._built


def late_command(app: typer.Typer, name: str, help: str, example: str, build: Callable[[], Callable[..., Any]]) -> None:
    """Add a command whose function, as `answered` gives it, is built when it is needed."""
    made = type("LateCommand", (LateCommand,), {"build": staticmethod(build)})
    app.command(name, cls=made, help=help, epilog=f"Example: {example}")(lambda: None)
