"""Who may call one service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from jupyter_modeldeploy.errors import InvalidInput, from_validation_error
from jupyter_modeldeploy.records import CallerToken, NewToken
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.tokens import Tokens

MAX_SECONDS = 10 * 366 * 86400


class ServiceTokens:
    """The tokens of a service's callers. A change takes effect in the running service, which is not restarted."""

    def __init__(self, store: Store, service: str) -> None:
        """Raises NotFound where there is no such service."""
        self._store = store
        self._service = store.services.get(service).name

    def __repr__(self) -> str:
        return f"<tokens of {self._service}: {', '.join(one.caller for one in self.list()) or 'the owner only'}>"

    def list(self) -> Sequence[CallerToken]:
        """Who has one, without the tokens themselves, which nobody can tell again."""
        return self._tokens.list()

    def create(self, caller: str, expires_s: float | None = None) -> NewToken:
        """A token for `caller`, told this once, which works for `expires_s` seconds or until it is revoked.

        Raises Conflict where the caller has one, InvalidInput for a name that cannot be."""
        lifetime = None if expires_s is None else _seconds(expires_s)
        created: NewToken = self._written(self._tokens.create, caller, lifetime)
        return created

    def rotate(self, caller: str, grace_s: float = 0.0) -> NewToken:
        """A new token for `caller`, or the service's own one for `owner`; the old one works `grace_s` seconds longer.

        Raises NotFound where the caller has none."""
        rotated: NewToken = self._written(self._tokens.rotate, caller, _seconds(grace_s))
        return rotated

    def revoke(self, caller: str) -> None:
        """Refuse the caller's requests from now on. Raises NotFound where the caller has no token."""
        self._written(self._tokens.revoke, caller)

    @property
    def _tokens(self) -> Tokens:
        return self._store.tokens(self._service)

    def _written(self, change: Callable[..., Any], caller: str, *more: Any) -> Any:
        try:
            changed = change(caller, *more)
        except ValidationError as error:
            raise from_validation_error(error, f"the caller {caller!r}") from error
        self._store.services.note(self._service)
        return changed


def _seconds(amount: float) -> timedelta:
    if not 0 <= amount <= MAX_SECONDS:
        raise InvalidInput(f"A token cannot work for {amount!r} seconds.", f"Give 0 to {MAX_SECONDS}, ten years.")
    return timedelta(seconds=amount)
