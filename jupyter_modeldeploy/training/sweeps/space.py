"""What a sweep varies: fields of `FinetuneOptions`, each over some values or between two ends.

As text: `16,32` are values, `1e-5..1e-3` are ends, `1e-5..1e-3:log` ends whose orders of magnitude are alike, and
`1e-5..1e-3:log:3` three values between them, for a grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records.sweeps import Option, Search
from jupyter_modeldeploy.training.options import FinetuneOptions

MAX_TRIALS = 500
SYNTAX = "Write NAME=16,32 or NAME=1e-5..1e-3 or NAME=1e-5..1e-3:log."
NO_EFFECT = {
    "find_batch_size",
    "checkpoint_every",
    "log_to",
    "merge_adapter",
    "processes",
}
"""They do not change what is learnt."""
HOW_JUDGED = {"evaluate_every", "evaluations", "sample_predictions", "train_rows", "validation_share"}
"""Trials that differ in these could not be compared."""


class Range(BaseModel):
    """Numbers from `low` to `high`, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool = Field(default=False, description="whether orders of magnitude are alike")
    points: int | None = Field(default=None, ge=2, le=MAX_TRIALS, description="so many values between them, for a grid")


Varied = str | list[Option] | Range
Vary = dict[str, Varied]


@dataclass(frozen=True)
class Values:
    values: tuple[Option, ...]


@dataclass(frozen=True)
class Between:
    low: float
    high: float
    log: bool
    whole: bool


@dataclass(frozen=True)
class Space:
    """What is tried of each option."""

    dimensions: dict[str, Values | Between]

    @property
    def size(self) -> int | None:
        """How many combinations there are; None where they cannot be counted."""
        counts = [_count(dimension) for dimension in self.dimensions.values()]
        return None if None in counts else math.prod(count for count in counts if count is not None)

    def grid(self) -> list[dict[str, Option]]:
        """Every combination of a space of finite size, the last option changing fastest."""
        return [
            dict(zip(self.dimensions, values, strict=True))
            for values in itertools.product(*map(_all, self.dimensions.values()))
        ]


def space_of(vary: Mapping[str, Varied], search: Search) -> Space:
    """The space that `vary` describes. Raises InvalidInput that names the option and what is wrong with it."""
    if not vary:
        raise InvalidInput("Nothing varies.", "Say what to try: --vary learning_rate=1e-5..1e-3:log")
    space = Space({name: _dimension(name, varied, search) for name, varied in vary.items()})
    if search == "grid" and (space.size or 0) > MAX_TRIALS:
        raise InvalidInput(
            f"The grid has {space.size:,} points; a sweep makes at most {MAX_TRIALS} trials.",
            "Try fewer values, or search=random or search=bayesian.",
        )
    return space


def _dimension(name: str, varied: Varied, search: Search) -> Values | Between:
    field = FinetuneOptions.model_fields.get(name)
    if field is None:
        raise InvalidInput(f"There is no option {name!r} to vary.", f"There are: {', '.join(variable())}.")
    if name in NO_EFFECT:
        raise InvalidInput(f"{name} cannot vary: it does not change what is learnt.", "Give it once, for all trials.")
    if name in HOW_JUDGED:
        raise InvalidInput(f"{name} cannot vary: the trials could not be compared.", "Give it once, for all trials.")
    varied = _read(name, varied) if isinstance(varied, str) else varied
    if isinstance(varied, Range):
        return _between(name, varied, search)
    values = tuple(_checked(name, value) for value in varied)
    if not values:
        raise InvalidInput(f"{name} has no values to try.", SYNTAX)
    if repeated := [value for index, value in enumerate(values) if value in values[:index]]:
        raise InvalidInput(f"{name} names {repeated[0]} twice.", "Name each value once.")
    return Values(values)


def variable() -> list[str]:
    """The options that may vary."""
    return [name for name in FinetuneOptions.model_fields if name not in NO_EFFECT | HOW_JUDGED]


def _read(name: str, text: str) -> Range | list[Option]:
    ends, _, suffix = text.partition(":")
    low, dots, high = ends.partition("..")
    if not dots:
        return [part.strip() for part in text.split(",") if part.strip()]
    scale, _, points = suffix.partition(":") if suffix.startswith("log") else ("", "", suffix)
    try:
        known = {
            "low": float(low),
            "high": float(high),
            "log": scale == "log",
            "points": int(points) if points else None,
        }
        if scale in ("", "log"):
            return Range.model_validate(known)
    except ValidationError as error:
        what = error.errors()[0]
        raise InvalidInput(f"{name}={text}: {what['loc'][0]}: {what['msg']}.", SYNTAX) from error
    except ValueError:
        pass  # the sentence below says it for all that cannot be read
    raise InvalidInput(f"{name}={text} is no range of numbers.", SYNTAX)


def _between(name: str, given: Range, search: Search) -> Values | Between:
    kind = _kind(name)
    if kind not in (int, float):
        raise InvalidInput(f"{name} is no number, so it has no range.", f"Name its values: {name}={_examples(name)}.")
    shown = f"{name}={given.low:g}..{given.high:g}"
    if given.low >= given.high:
        raise InvalidInput(f"{shown}: {given.low:g} is not below {given.high:g}.", "Write the lower end first.")
    if given.log and given.low <= 0:
        raise InvalidInput(f"{shown}:log: a logarithmic range begins above 0.", "Write a low end such as 1e-6.")
    low, high = (float(_checked(name, end)) for end in (given.low, given.high))
    between = Between(low, high, given.log, kind is int)
    if search == "grid":
        if given.points is None:
            raise InvalidInput(
                f"{shown}: a grid needs values, not a range.",
                f"Write them, as {name}=A,B,C, or how many: {shown}:{'log:' if given.log else ''}3.",
            )
        return Values(_spread(between, given.points))
    if given.points is not None:
        raise InvalidInput(f"{shown}: only a grid takes a number of points.", "Leave it out, or choose search=grid.")
    return between


def _spread(between: Between, points: int) -> tuple[Option, ...]:
    """`points` values from end to end, as far as whole numbers allow."""
    first, last = (math.log(between.low), math.log(between.high)) if between.log else (between.low, between.high)
    evenly = [first + (last - first) * index / (points - 1) for index in range(points)]
    values = [rounded(math.exp(value) if between.log else value, between) for value in evenly]
    return tuple(dict.fromkeys(values))


def rounded(value: float, between: Between) -> int | float:
    """To four figures, which is what a table shows, or to a whole number; never beyond the ends."""
    near = round(value) if between.whole else float(f"{value:.4g}")
    ends = (int(between.low), int(between.high)) if between.whole else (between.low, between.high)
    return min(max(near, ends[0]), ends[1])


def _checked(name: str, value: Option) -> Any:
    """The value as the option takes it."""
    field = FinetuneOptions.model_fields[name]
    adapter = TypeAdapter[Any](Annotated.__class_getitem__((field.annotation, *field.metadata, Field())))  # type: ignore[attr-defined]
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidInput(f"{name}={value}: {error.errors()[0]['msg']}.", f"Try {name}={_examples(name)}.") from error


def _kind(name: str) -> Any:
    annotation = FinetuneOptions.model_fields[name].annotation
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    return annotation


def _examples(name: str) -> str:
    kind = _kind(name)
    if get_origin(kind) is Literal:
        return ",".join(get_args(kind))
    return "true,false" if kind is bool else "16,32" if kind is int else "1e-5..1e-3:log"


def _count(dimension: Values | Between) -> int | None:
    if isinstance(dimension, Values):
        return len(dimension.values)
    return int(dimension.high - dimension.low) + 1 if dimension.whole else None


def _all(dimension: Values | Between) -> Sequence[Option]:
    if isinstance(dimension, Values):
        return dimension.values
    return range(int(dimension.low), int(dimension.high) + 1)
