"""Who may call a service."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from jupyter_modeldeploy.records.base import Name, Record


class CallerToken(Record):
    """A token that a caller of a service holds; the token itself is nowhere."""

    caller: Name
    created_at: datetime
    expires_at: datetime | None = None


class NewToken(CallerToken):
    """A token as it is told, once, to whoever made it; printing the record does not show it."""

    token: str = Field(repr=False)
