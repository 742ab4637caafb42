"""How what is wanted stands to what is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

from jupyter_modeldeploy.records import Need, Requirement
from jupyter_modeldeploy.requirements.reading import Line


def compared(lines: Iterable[Line], installed: Mapping[str, str]) -> list[Requirement]:
    """One record for each line that asks for a package or is refused."""
    return [_compared(line, installed) for line in lines if not line.constraint or line.kind]


def _compared(line: Line, installed: Mapping[str, str]) -> Requirement:
    if line.kind is not None:
        return Requirement(text=line.text, file=line.file, need=Need.refused, kind=line.kind, reason=line.reason)
    if line.named is None:  # allowed as it is: only pip can tell
        return Requirement(text=line.text, file=line.file, need=Need.missing)
    name = canonicalize_name(line.named.name)
    has = installed.get(name)
    if line.named.marker is not None and not line.named.marker.evaluate({"extra": ""}):
        need = Need.not_needed
    elif has is None:
        need = Need.missing
    else:
        need = Need.satisfied if line.named.specifier.contains(has, prereleases=True) else Need.other
    wanted = str(line.named.specifier)
    return Requirement(text=line.text, file=line.file, need=need, name=name, wanted=wanted, installed=has)
