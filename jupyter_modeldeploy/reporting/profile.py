"""Where a version's time and memory go, as one HTML file and in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import jinja2

from jupyter_modeldeploy.records.profiles import DISPATCH, Operator, Profile, Span, grouped
from jupyter_modeldeploy.reporting import figures
from jupyter_modeldeploy.reporting.page import Page, template

SHOWN_OPERATORS, SHOWN_GROUPS = 25, 12
TONES = ("fp32", "int8", "undecided", "before", "worse", "better")
FLAME_WIDTH, ROW_HEIGHT = 1000.0, 18
NARROWEST = 0.4
"""Of the picture's width units: a narrower call would not be seen."""


@dataclass(frozen=True)
class Call:
    """A call in the picture of a run."""

    x: float
    y: float
    width: float
    tone: str
    told: str


class ProfilePage(Page, Profile):
    """A version's profile that shows itself."""

    def html(self) -> str:
        types = grouped(self.operators, "type")
        colours = tones(types)
        calls = flame(self.timeline, colours)
        return _template().render(
            found=self,
            types=types[:SHOWN_GROUPS],
            tones=colours,
            layers=grouped(self.operators, "layer")[:SHOWN_GROUPS] if any(one.layer for one in self.operators) else [],
            calls=calls,
            width=FLAME_WIDTH,
            height=max((call.y for call in calls), default=0.0) + ROW_HEIGHT,
            row=ROW_HEIGHT - 1,
            shown=SHOWN_OPERATORS,
        )

    def heading(self) -> str:
        return f"Profile of {self.version}"

    @property
    def summary(self) -> str:
        """A sentence: how long a run takes, and what takes most of it."""
        largest = next((one for one in grouped(self.operators, "type") if one.name != DISPATCH), None)
        said = [f"A run takes {figures.milliseconds(self.run.run_ms)}"] if self.run else []
        said += [f"{figures.percent(largest.share, 0)} of a run is in {largest.name}"] if largest else []
        return "; ".join(said) + "."


def tones(types: list[Operator]) -> dict[str, str]:
    """A colour for each of the costliest types; the last one for all others."""
    return {one.name: TONES[min(place, len(TONES) - 1)] for place, one in enumerate(types)}


def flame(timeline: list[Span], tones: dict[str, str]) -> list[Call]:
    """The calls of a run from left to right, inner ones below those that they lie within."""
    whole = max((span.start_ms + span.duration_ms for span in timeline), default=0.0)
    if not whole:
        return []
    scale = FLAME_WIDTH / whole
    return [
        Call(
            x=round(span.start_ms * scale, 2),
            y=float(span.depth * ROW_HEIGHT),
            width=round(span.duration_ms * scale, 2),
            tone=tones.get(span.type, TONES[-1]),
            told=" · ".join(
                each for each in (span.name, span.type, span.layer, figures.milliseconds(span.duration_ms)) if each
            ),
        )
        for span in timeline
        if span.duration_ms * scale >= NARROWEST
    ]


@cache
def _template() -> jinja2.Template:
    return template("profile.html.j2", figures=figures)
