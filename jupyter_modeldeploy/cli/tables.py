"""The one look of all tables: no frame, names above, numbers to the right."""

from __future__ import annotations

from rich.table import Table


def table(*headings: str, title: str | None = None) -> Table:
    """A table whose columns are named; `>` before a name puts its numbers to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for heading in headings:
        is_number = heading.startswith(">")
        made.add_column(heading.removeprefix(">"), justify="right" if is_number else "left", overflow="fold")
    return made
