"""What all panels are: one widget whose views are those of the sidebar and the pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget
from traitlets import Dict, observe

from jupyter_modeldeploy.errors import Unavailable
from jupyter_modeldeploy.widgets.channel import Channel
from jupyter_modeldeploy.workspace import Workspace

BUNDLE = Path(__file__).parent / "static"


class Panel(anywidget.AnyWidget):
    """Shows `home`, or the page at `address` while one is open, as the sidebar and the main area would.

    A panel goes on while cells run, needs no server beside the kernel, and acts on `workspace`: by default the
    environment's. `address` is synchronised both ways: set it to open a page, None to go home."""

    selects: ClassVar[dict[str, tuple[str, str]]] = {}
    """The traits that tell what is open: by name the page, and which field of its address the trait is."""

    _channel: Channel | None = None

    home = Dict().tag(sync=True)
    address = Dict(default_value=None, allow_none=True).tag(sync=True)

    def __init__(self, workspace: Workspace | None = None, **traits: Any) -> None:
        self._esm, self._css = _built("panel.js"), _built("panel.css")
        super().__init__(address=self._address(traits), **traits)
        self._channel = channel = Channel(workspace or default_workspace(), self.send)
        self.on_msg(lambda _widget, message, _buffers: channel.receive(message))
        _hear_where_asked(self.comm)
        self.observe(self._open, names=list(self.selects))

    def __repr__(self) -> str:
        shown = self.address or self.home
        told = ", ".join(f"{name}={value!r}" for name, value in shown.items() if value)
        return f"<{type(self).__name__} {told}>"

    def media(self) -> dict[str, Any]:
        """The panel by its media type, for a display that says more beside it."""
        parts, _ = self._repr_mimebundle_() or ({}, {})
        return {kind: part for kind, part in parts.items() if kind != "text/plain"}

    def close(self) -> None:
        """Take the panel off the page; what it started goes on."""
        if self._channel is not None:  # else it was never made whole
            self._channel.close()
        super().close()

    def _open(self, change: dict[str, Any]) -> None:
        """Show what a trait was set to; '' goes home, if it was the trait's page that is open."""
        if change["new"]:
            self.set_trait("address", self._address({change["name"]: change["new"]}))
        elif (self.address or {}).get("page") == self.selects[change["name"]][0]:
            self.set_trait("address", None)

    def _address(self, chosen: dict[str, Any]) -> dict[str, str] | None:
        """The page that these values of traits open."""
        named = ((*self.selects[trait], value) for trait, value in chosen.items() if trait in self.selects and value)
        return next(({"page": page, field: value} for page, field, value in named), None)

    @observe("address")
    def _tell(self, change: dict[str, Any]) -> None:
        """Say in the traits what is open now."""
        address = change["new"] or {}
        for trait, (page, field) in self.selects.items():
            self.set_trait(trait, address.get(field, "") if address.get("page") == page else "")


def _hear_where_asked(comm: Any) -> None:
    """Let what comes be heard on the subshell that the front end sends it to.

    ipykernel 7 passes a comm's messages on to whichever shell last wrote to it: after a cell that made or changed the
    panel the main one, which hears nothing while a cell computes. Kernels without subshells have no such rule."""
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, subshell: subshell


@cache
def _built(name: str) -> str:
    """The text of a built file. Raises Unavailable when the front end was not built."""
    try:
        return (BUNDLE / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Unavailable(
            f"The panels were not built: {error.filename} is missing.", "Run: jlpm build:widget"
        ) from error


@cache
def default_workspace() -> Workspace:
    """The environment's workspace, opened once a process."""
    return Workspace()
