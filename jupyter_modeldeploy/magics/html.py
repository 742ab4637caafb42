"""What the commands print, as HTML: tables that are tables, and text in the theme's colours."""

from __future__ import annotations

import io
from collections.abc import Iterable
from html import escape
from typing import Any

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

WIDTH = 110
COLOURS = {
    "red": "var(--jp-error-color1, #c62828)",
    "green": "var(--jp-success-color1, #2e7d32)",
    "yellow": "var(--jp-warn-color1, #b26a00)",
    "cyan": "var(--jp-info-color1, #00838f)",
}


class CellConsole(Console):
    """Keeps what is printed on it, as HTML and as plain text, until it is `taken`."""

    def __init__(self) -> None:
        self._plain = io.StringIO()
        super().__init__(
            file=self._plain, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False,
            force_jupyter=False,
        )  # fmt: skip
        self._html: list[str] = []

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", style: Any = None, **more: Any) -> None:
        super().print(*objects, sep=sep, end=end, style=style, **more)
        parts = [self._as_html(one, style) for one in objects]
        self._html.append(sep.join(parts) + ("" if len(objects) == 1 and isinstance(objects[0], Table) else end))

    def taken(self) -> dict[str, str] | None:
        """What was printed since it was last taken, as a bundle that a front end shows; None for nothing."""
        html, plain = "".join(self._html).rstrip("\n"), self._plain.getvalue().rstrip("\n")
        self._html.clear()
        self._plain.seek(0)
        self._plain.truncate()
        if not plain:
            return None
        return {"text/plain": plain, "text/html": f'<div style="white-space: pre-wrap">{html}</div>'}

    def _as_html(self, printed: Any, style: Any) -> str:
        if isinstance(printed, Table):
            return self._table(printed)
        if isinstance(printed, str):
            printed = Text(printed)
        if isinstance(printed, Text):
            text = printed.copy()
            text.end = ""
            for beneath in (text.style, style):
                if beneath:
                    text.stylize_before(beneath)
            return _spans(text.render(self))
        return f'<pre style="margin: 0">{_spans(self.render(printed))}</pre>'

    def _table(self, table: Table) -> str:
        columns = table.columns
        cells = [list(column.cells) for column in columns]
        sides = [f' style="text-align: {column.justify or "left"}"' for column in columns]
        head = ""
        if table.show_header:
            named = (
                f"<th{side}>{self._as_html(column.header, None)}</th>"
                for column, side in zip(columns, sides, strict=True)
            )
            head = f"<thead><tr>{''.join(named)}</tr></thead>"
        rows = (
            "".join(f"<td{side}>{self._as_html(cell, None)}</td>" for side, cell in zip(sides, row, strict=True))
            for row in zip(*cells, strict=True)
        )
        title = f"<caption>{self._as_html(table.title, None)}</caption>" if table.title else ""
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f'<table style="white-space: normal; margin: 4px 0">{title}{head}<tbody>{body}</tbody></table>'


def _spans(segments: Iterable[Segment]) -> str:
    return "".join(_span(segment.text, segment.style) for segment in segments if not segment.control)


def _span(text: str, style: Style | None) -> str:
    told = _css(style) if style else ""
    return f'<span style="{told}">{escape(text)}</span>' if told else escape(text)


def _css(style: Style) -> str:
    colour = COLOURS.get(style.color.name) if style.color else None
    told = [f"color: {colour}" if colour else "", "font-weight: bold" if style.bold else ""]
    told += ["opacity: 0.7" if style.dim else "", "font-style: italic" if style.italic else ""]
    return "; ".join(part for part in told if part)
