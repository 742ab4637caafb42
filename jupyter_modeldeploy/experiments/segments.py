"""Reading what the processes of a service left: all that can be read of it, whatever happened to the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field, FiniteFloat, ValidationError
from pydantic_core import SchemaValidator
from pydantic_core import core_schema as schema

from jupyter_modeldeploy.experiments.spool import FORMAT, Arm

MOST = 2**48
"""Of what is added up: no sum of the largest ones leaves 64 bits before there are 2**15 of them."""
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Exposure = Sequence[Any]
"""A tuple as `spool` has it, with as many attributes as the head has names of them."""
Outcome = tuple[str | None, str | None, str, float, str | None, int | None, int, int]

_TEXT, _NO_TEXT = schema.str_schema(), schema.nullable_schema(schema.str_schema())
_TIME, _FLAG = schema.int_schema(ge=-(2**53), le=2**53), schema.int_schema(ge=0, le=1)
_COUNT = schema.int_schema(ge=0, le=MOST)
_EXPOSURE: list[schema.CoreSchema] = [
    *(_COUNT, _NO_TEXT, _NO_TEXT, _TIME, _COUNT, _FLAG),
    *(schema.nullable_schema(_COUNT), _TEXT),
]
_OUTCOME: list[schema.CoreSchema] = [
    *(_NO_TEXT, _NO_TEXT, _TEXT, schema.float_schema(allow_inf_nan=False), _NO_TEXT),
    *(schema.nullable_schema(_TIME), _TIME, _FLAG),
]
_EXPOSURES = SchemaValidator(schema.list_schema(schema.tuple_schema(_EXPOSURE, variadic_item_index=7)))
_OUTCOMES = SchemaValidator(schema.list_schema(schema.tuple_schema(_OUTCOME)))


class _Head(BaseModel):
    """The first line of a segment."""

    format: Literal[1] = 1
    arms: list[tuple[Whole, str, FiniteFloat] | tuple[Whole, str, FiniteFloat, str]]
    attributes: list[str]
    rows: Count
    dropped: Count


@dataclass
class Segment:
    """What one segment holds. Where it is `damaged`, which says how, `lost` rows of it could not be read."""

    arms: list[Arm] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    dropped: int = 0
    lost: int = 0
    damaged: str = ""

    @property
    def rows(self) -> int:
        """How many exposures and outcomes there are."""
        return len(self.exposures) + len(self.outcomes)


def read(path: Path) -> Segment:
    """What can be read of the segment; every row of it is sound. Raises OSError."""
    first, *lines = path.read_bytes().splitlines() or [b""]
    try:
        head = _Head.model_validate_json(first)
    except ValidationError as error:
        return _headless(first, lines, _why(error))
    segment = Segment([Arm(*arm) for arm in head.arms], head.attributes, dropped=head.dropped)
    for line in lines:
        _take(segment, line)
    segment.lost = max(0, head.rows - segment.rows)
    if segment.rows != head.rows and not segment.damaged:
        segment.damaged = f"has {segment.rows} rows, not {head.rows}"
    return segment


def _headless(first: bytes, lines: Iterable[bytes], why: str) -> Segment:
    """Whose exposures these are nobody knows; outcomes tell it themselves. Of another format nothing is known."""
    told = _parsed(first)
    segment = Segment(damaged=why)
    if told.get("format", FORMAT) != FORMAT:
        rows = told.get("rows")
        segment.lost = rows if isinstance(rows, int) and 0 < rows < 2**31 else 0
        segment.damaged = f"is of the format {told['format']!r}, and this release reads {FORMAT}"
        return segment
    for line in lines:
        _take(segment, line)
    return segment


def _take(segment: Segment, line: bytes) -> None:
    """The sound rows of one more line."""
    parts = _parsed(line)
    exposures, outcomes = parts.get("exposures", []), parts.get("outcomes", [])
    if not parts or not isinstance(exposures, list) or not isinstance(outcomes, list):
        segment.damaged = "has a line that is none of a segment"
        return
    taken = segment.rows
    wanted = len(segment.attributes) + 7
    segment.exposures += [
        row for row in _sound(_EXPOSURES, exposures) if row[0] < len(segment.arms) and len(row) == wanted
    ]
    segment.outcomes += _sound(_OUTCOMES, outcomes)
    bad = len(exposures) + len(outcomes) - (segment.rows - taken)
    if bad:
        segment.lost += bad
        segment.damaged = segment.damaged or "has rows that are none"


def _sound(kind: SchemaValidator, rows: list[Any]) -> list[Any]:
    try:
        return list(kind.validate_python(rows))
    except ValidationError:  # one by one, then: the others are sound
        found = []
        for row in rows:
            try:
                found += kind.validate_python([row])
            except ValidationError:
                continue  # counted as lost
        return found


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(each) for each in first["loc"])
    return f"has no head ({where}: {first['msg']})" if where else f"has no head ({first['msg']})"
