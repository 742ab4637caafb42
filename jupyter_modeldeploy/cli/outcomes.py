"""`modeldeploy experiments outcomes`"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.outcomes import OutcomesTaken

TRUTH = {"true": True, "1": True, "false": False, "0": False}


def add_to(app: typer.Typer) -> None:
    command(app, "outcomes", "modeldeploy experiments outcomes reviews-api bought.csv")(record)


def record(
    door: Door,
    service: Annotated[
        str, typer.Argument(help="a service that records exposures", autocompletion=completion.services)
    ],
    file: Annotated[str, typer.Argument(help="CSV with a header line, or a JSON object a line; - reads stdin")],
) -> None:
    """Tell what became of a service's units and requests: unit or request_id, metric, value, id, at, before.

    All lines are checked before the first is sent. With an id each counts once, however often it is sent."""
    from jupyter_modeldeploy.serving.control.outcomes import MOST

    outcomes = _checked(door.given() if file == "-" else _read(Path(file)))
    taken = 0
    for at in range(0, len(outcomes), MOST):
        answer: OutcomesTaken = door.call("record_outcomes", name=service, outcomes=outcomes[at : at + MOST])
        taken += answer.taken
    from jupyter_modeldeploy.api.outcomes import OutcomesTaken

    door.show(OutcomesTaken(taken=taken), _taken)


def _taken(door: Door, answer: OutcomesTaken) -> None:
    door.out.print(f"{answer.taken:,} outcomes were taken.")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _checked(text: str) -> list[dict[str, Any]]:
    """The outcomes in the text. Raises BadParameter that names the line of one that is wrong."""
    import time

    from jupyter_modeldeploy.errors import InvalidInput
    from jupyter_modeldeploy.serving.control.outcomes import rows_of

    now, outcomes = time.time(), []
    for line, outcome in _objects(text) if text.lstrip().startswith("{") else _records(text):
        try:
            rows_of({"outcomes": [outcome]}, now)
        except InvalidInput as error:
            raise typer.BadParameter(f"Line {line}: {str(error).removeprefix('outcomes[0]: ')}") from error
        outcomes.append(outcome)
    return outcomes


def _objects(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise typer.BadParameter(f"Line {number} is not JSON: {error}.") from error


def _records(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """What is empty was not given; numbers and truth values are read as such where they are meant to be."""
    reader = csv.DictReader(io.StringIO(text))
    for record in reader:
        outcome: dict[str, Any] = {str(name): value for name, value in record.items() if value not in ("", None)}
        if "value" in outcome:
            outcome["value"] = _number(outcome["value"])
        if "before" in outcome:
            outcome["before"] = TRUTH.get(outcome["before"].lower(), outcome["before"])
        yield reader.line_num, outcome


def _number(text: Any) -> Any:
    try:
        return float(text)
    except (TypeError, ValueError):
        return text
