"""The fragment of a URL reference: a path inside an archive, and what pins the content.

`#path&sha256=HEX`, where either part may be missing. What was resolved is pinned in the same way by what the server
tells: `etag=…`, `modified=…`; where it tells nothing, `fetched=…` only says when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.sources.reference import Reference

PIN = re.compile(r"(?:(?<=^)|(?<=&))(sha256|etag|modified|fetched|state)=([^&]*)(?:&|$)")
CHECKED = ("etag", "modified", "state")


@dataclass(frozen=True)
class Fragment:
    """`path` is percent-decoded; `pins` are by their name."""

    path: str
    pins: Mapping[str, str]

    @property
    def sha256(self) -> str | None:
        return self.pins.get("sha256")

    def text(self, **pins: str) -> str:
        """The fragment with these pins in place of its own, with its `#`; the hash stays. Empty where there is none."""
        if self.sha256:
            pins = {"sha256": self.sha256}
        parts = [quote(self.path)] if self.path else []
        parts += [f"{name}={quote(value, safe='')}" for name, value in pins.items()]
        return f"#{'&'.join(parts)}" if parts else ""

    def check(self, where: str, found: Mapping[str, str]) -> None:
        """Raise Conflict where the reference pins another state than `found`."""
        for name in CHECKED:
            if name in self.pins and self.pins[name] != found.get(name):
                raise Conflict(
                    f"{where} has changed: its {name} is {found.get(name) or 'not told'}, wanted is {self.pins[name]}.",
                    "Fetch it without that part of the reference to get what is there now.",
                )


def fragment(reference: Reference) -> Fragment:
    """The fragment of a reference, taken apart. Raises InvalidInput for what is no SHA-256."""
    text = reference.path or ""
    pins = {name: unquote(value) for name, value in PIN.findall(text)}
    if "sha256" in pins:
        pins["sha256"] = pins["sha256"].lower()
        if not re.fullmatch(r"[0-9a-f]{64}", pins["sha256"]):
            raise InvalidInput(f"{pins['sha256']!r} is not a SHA-256.", "Write #sha256= and 64 hexadecimal digits.")
    return Fragment(unquote(PIN.sub("", text)).strip("&").strip("/"), pins)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
