"""What reports have in common as HTML: pages that need nothing beside them, in a file or in a notebook's cell."""

from __future__ import annotations

from abc import abstractmethod
from html import escape
from pathlib import Path
from typing import Any

import jinja2


def template(name: str, **known: Any) -> jinja2.Template:
    """A template of this package, to which these names are known; whatever it is given is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(known)
    return environment.get_template(name)


class Page:
    """Something that shows itself: as the last line of a notebook's cell, or by `html` as a page."""

    @abstractmethod
    def html(self) -> str:
        """One page that needs nothing beside it."""

    @abstractmethod
    def heading(self) -> str:
        """What the page is called."""

    def write(self, path: str | Path) -> Path:
        """Write the page to a file."""
        written = Path(path)
        written.write_text(self.html(), encoding="utf-8")
        return written

    def _repr_html_(self) -> str:
        """The page within a frame, so that its style stays its own."""
        frame = 'style="width: 100%; height: 640px; border: 0"'
        return f'<iframe {frame} title="{escape(self.heading())}" srcdoc="{escape(self.html())}"></iframe>'
