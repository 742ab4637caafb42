"""Who would get which version, by the code that the data plane chooses with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from jupyter_modeldeploy import assignment
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.intervals import wilson
from jupyter_modeldeploy.records import AssignedShare, Assignment, RoutingPreview, ServedModel
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.conditions import OF_THE_INPUT, Facts, facts_of, header_of
from jupyter_modeldeploy.serving.request_headers import UNIT_HEADER
from jupyter_modeldeploy.serving.routing import Routing, takes_part

MAX_TOLD = 1000
"""Units of which each is told; the shares are of all."""


def preview(
    service: str, served: ServedModel, units: Sequence[str], attributes: Mapping[str, Any], given: Any = None
) -> RoutingPreview:
    """What requests of these units get that have the `attributes`, by the names that rules ask for, and `given` as
    their input: a text, several, or the JSON of a request. Raises InvalidInput for characters, rows or bytes that are
    no number."""
    routing = Routing(f"{service}/{served.model}", served, int)
    headers, facts = _request(attributes, given)
    found = [_assignment(routing, served, unit, headers, facts) for unit in units]
    counts = Counter(one.version for one in found)
    shares = [
        AssignedShare(version=version, units=count, share=wilson(count, len(found)))
        for version, count in sorted(counts.items())
    ]
    shadow = [shadow.version for shadow in served.shadow]
    return RoutingPreview(
        service=service, model=served.model, assignments=found[:MAX_TOLD], shares=shares, shadow=shadow
    )


def _assignment(
    routing: Routing[int], served: ServedModel, unit: str, headers: Headers, facts: Facts | None
) -> Assignment:
    sent = unit.encode("utf-8", "surrogatepass")
    choice = routing.choose({**headers, UNIT_HEADER: sent}, facts)
    return Assignment(
        unit=unit,
        version=choice.version,
        why=choice.why,
        rule=choice.rule,
        place=(routing.split_of(sent) or routing.split).place(sent) / assignment.PLACES,
        in_namespace=None if served.namespace is None else takes_part(sent, served.namespace),
        experiment=choice.experiment or None,
    )


def _request(attributes: Mapping[str, Any], given: Any) -> tuple[Headers, Facts | None]:
    headers = {header_of(name): str(value).encode() for name, value in attributes.items() if name not in OF_THE_INPUT}
    told = {name: attributes[name] for name in OF_THE_INPUT & attributes.keys()}
    if given is None and not told:
        return headers, None
    known = facts_of(*_read(given)) if given is not None else Facts(1, 0, 0)
    try:
        numbers = {name: int(value) for name, value in told.items()}
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"Of an input {told!r} cannot be: {error}.", "Give whole numbers.") from error
    return headers, Facts(
        numbers.get("rows", known.rows), numbers.get("characters", known.characters), numbers.get("bytes", known.bytes)
    )


def _read(given: Any) -> tuple[Any, int]:
    """The values of a request in a task's words, and how many rows they are."""
    while isinstance(given, dict) and len(given) == 1:
        (given,) = given.values()
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return given, len(given)
    return [given if isinstance(given, str) else orjson.dumps(given).decode()], 1
