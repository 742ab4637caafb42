"""Command-line options made from pydantic models, so that no name, default or description is written twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from rich.markup import escape

from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.command import option

Completion = Callable[[typer.Context, str], list[str]]

COMPLETIONS: dict[str, Completion] = {
    "version": completion.versions,
    "base": completion.versions,
    "candidate": completion.versions,
    "against": completion.versions,
    "teacher": completion.versions,
    "student": completion.versions,
    "dataset": completion.datasets,
    "service": completion.services,
}


def parameters_of(
    model: type[BaseModel],
    arguments: Sequence[str] = (),
    exclude: Collection[str] = (),
    completions: Mapping[str, Completion] = COMPLETIONS,
) -> list[inspect.Parameter]:
    """A parameter for each field of `model`; the fields of a model inside it are options of their own.

    Those named in `arguments` are positional and come first, in that order, then what must be given."""
    fields = {name: field for _, name, field in _flat(model) if name not in exclude}
    options = sorted(
        (name for name in fields if name not in arguments), key=lambda name: not fields[name].is_required()
    )
    return [_parameter(name, fields[name], name in arguments, completions.get(name)) for name in (*arguments, *options)]


def only_given(parameter: inspect.Parameter) -> inspect.Parameter:
    """The option without its default: None where it is not given. A switch can be switched off too."""
    kind, info = get_args(parameter.annotation)
    if kind is bool:
        flag = parameter.name.replace("_", "-")
        info.default = f"--{flag}/--no-{flag}"  # the first of the names, as Typer takes them inside Annotated
    return parameter.replace(annotation=_annotated(kind | None, info), default=None)


def fields_from(model: type[BaseModel], values: dict[str, Any], reset: Sequence[str] = ()) -> dict[str, Any]:
    """`values` of the parameters in the shape that `model` takes; what was not given is left out, or, where `reset`
    names its option, what it is by default. Raises BadParameter for a `reset` that is no option."""
    names = {one.lstrip("-").replace("-", "_") for one in reset}
    if unknown := names - values.keys():
        raise typer.BadParameter(f"There is no option {', '.join(sorted(unknown))} to reset.")
    fields: dict[str, Any] = {}
    for group, name, field in _flat(model):
        value = values.get(name)
        if value is not None or name in names:
            given = field.get_default(call_default_factory=True) if value is None else _shaped(field, value)
            (fields.setdefault(group, {}) if group else fields)[name] = given
    return fields


def _flat(model: type[BaseModel]) -> Iterator[tuple[str | None, str, FieldInfo]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from ((name, *one) for one in inner.model_fields.items())
        else:
            yield None, name, field


def _parameter(name: str, field: FieldInfo, positional: bool, complete: Completion | None) -> inspect.Parameter:
    kind = _bare(field.annotation)
    settings: dict[str, Any] = {
        "help": escape(field.description or ""),
        "callback": _check(field),
        "autocompletion": complete,
    }
    default = inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True)
    if default == {}:
        default = None  # Typer would read it back as a pair
    flag = "--" + name.replace("_", "-")
    if default is True:
        flag += f"/--no-{name.removeprefix('include_').replace('_', '-')}"
    info = typer.Argument(**settings) if positional else typer.Option(flag, **settings)
    return option(name, _annotated(kind | None if default is None else kind, info), default)


def _annotated(kind: Any, *metadata: Any) -> Any:
    """`Annotated` of what is known only now."""
    return Annotated.__class_getitem__((kind, *metadata)) if metadata else kind  # type: ignore[attr-defined]


def _bare(annotation: Any) -> Any:
    """The type without `None` and without its constraints."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(bare) is dict:
        return list[str]  # NAME=VALUE, given several times
    if get_origin(bare) is list and get_origin(get_args(bare)[0]) in (Literal, Annotated):
        return list[str]  # Typer takes no list of choices or names; which there are is held by the field's own check
    return bare


def _check(field: FieldInfo) -> Callable[[Any], Any]:
    """A wrong value is a usage error, told in the field's own words."""
    adapter = TypeAdapter[Any](_annotated(field.annotation, *field.metadata))

    def check(value: Any) -> Any:
        try:
            if get_origin(field.annotation) is dict and value is not None:
                adapter.validate_python(_pairs(value))
                return value  # Typer makes a list of whatever comes
            return value if value is None else adapter.validate_python(value)
        except ValidationError as error:
            raise typer.BadParameter(error.errors()[0]["msg"]) from error

    return check


def _shaped(field: FieldInfo, value: Any) -> Any:
    return _pairs(value) if get_origin(field.annotation) is dict and not isinstance(value, dict) else value


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise typer.BadParameter(f"{one!r} is not NAME=VALUE.")
        if name in pairs:
            raise typer.BadParameter(f"{name} is given twice.")
        pairs[name] = value.strip()
    return pairs
