"""The tokens of a service, in files of its folder that only its owner reads.

`token` holds the service's own, for the owner's doors; `callers.json` the SHA-256 of those of its callers (and of a
former own token while it still works). They have 256 random bits, so a fast hash keeps them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.errors import Conflict, InvalidInput, ModelDeployError, NotFound, from_os_error

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import CallerToken, NewToken

OWNER = "owner"
"""The caller with the service's own token."""
OWN, CALLERS, LOCK = "token", "callers.json", "tokens.lock"


@dataclass(frozen=True)
class StoredToken:
    """What is kept of a token; plain, since server processes read it."""

    caller: str
    created_at: datetime
    expires_at: datetime | None
    sha256: str


class Tokens:
    """The tokens of the service whose folder this is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def own(self) -> str | None:
        """The service's own token, None before one was made."""
        return self._read(OWN).strip() or None

    def ensure_own(self) -> str:
        """The service's own token, made (0600, 256 random bits) when there is none yet."""
        with self._only_writer():
            return self.own() or self._new_own()

    def list(self) -> Sequence[CallerToken]:
        """The tokens that work, without them: the callers', and a former own one (`owner`) for its last moments."""
        from jupyter_modeldeploy.records import CallerToken

        return [
            CallerToken(caller=one.caller, created_at=one.created_at, expires_at=one.expires_at)
            for one in self.stored()
        ]

    def create(self, caller: str, lifetime: timedelta | None = None) -> NewToken:
        """A token for a new caller, which nobody can be told again. Raises Conflict where the caller has one."""
        _refuse_owner(caller)
        with self._only_writer():
            stored = self.stored()
            if any(one.caller == caller for one in stored):
                raise Conflict(f"{caller!r} has a token already.", "Rotate or revoke it, or choose another name.")
            new = _new(caller, lifetime)
            self._save([*stored, _kept(new)])
        return new

    def rotate(self, caller: str, grace: timedelta = timedelta(0)) -> NewToken:
        """A new token for `caller`, or the service's own for `owner`; the old one works for `grace` longer.

        A lifetime that the old one had begins anew. Raises NotFound."""
        end = datetime.now(UTC) + grace
        with self._only_writer():
            stored = self.stored()
            theirs = [one for one in stored if one.caller == caller]
            others = [one for one in stored if one.caller != caller]
            if caller == OWNER:
                new, own = _new(OWNER, None), self.own()
                theirs += [_kept(new.model_copy(update={"token": own}))] if own else []
                self._save([*others, *_until(theirs, end)])
                self._write(OWN, new.token)
            else:
                newest = _newest(theirs, caller)
                new = _new(caller, newest.expires_at - newest.created_at if newest.expires_at else None)
                self._save([*others, *_until(theirs, end), _kept(new)])
        return new

    def revoke(self, caller: str) -> None:
        """Let no token of `caller` work any more. Raises NotFound where there is none."""
        _refuse_owner(caller)
        with self._only_writer():
            stored = self.stored()
            _newest([one for one in stored if one.caller == caller], caller)
            self._save([one for one in stored if one.caller != caller])

    def stored(self) -> Sequence[StoredToken]:
        """What is kept of the tokens that have not expired."""
        now = datetime.now(UTC)
        try:
            stored = [_stored(one) for one in json.loads(self._read(CALLERS) or "[]")]
        except (ValueError, TypeError, KeyError) as error:
            raise ModelDeployError(
                f"{CALLERS} of the service is damaged.", "Remove it and make its tokens anew."
            ) from error
        return [one for one in stored if one.expires_at is None or one.expires_at > now]

    def stamp(self) -> object:
        """Equal to a former one as long as nothing was written."""
        return [_stamp(self._folder / name) for name in (OWN, CALLERS)]

    def _new_own(self) -> str:
        token = secrets.token_urlsafe(32)
        self._write(OWN, token)
        return token

    def _save(self, stored: Sequence[StoredToken]) -> None:
        self._write(CALLERS, json.dumps([asdict(one) for one in stored], default=datetime.isoformat))

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text("utf-8")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise from_os_error(error, f"reading the service's {name}") from error

    def _write(self, name: str, text: str) -> None:
        """Readers see the former file or the new one, never half of it."""
        temporary = self._folder / f"{name}.new"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                os.fsync(descriptor)
            os.replace(temporary, self._folder / name)
        except OSError as error:
            raise from_os_error(error, f"writing the service's {name}") from error

    @contextmanager
    def _only_writer(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._folder / LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise from_os_error(error, "locking the service's tokens") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def digest_of(token: bytes) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token).hexdigest()


def _new(caller: str, lifetime: timedelta | None) -> NewToken:
    from jupyter_modeldeploy.records import NewToken

    now = datetime.now(UTC)
    return NewToken(
        caller=caller,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
        token=secrets.token_urlsafe(32),
    )


def _stored(document: dict[str, Any]) -> StoredToken:
    created, expires = document["created_at"], document["expires_at"]
    return StoredToken(
        caller=str(document["caller"]),
        created_at=datetime.fromisoformat(created),
        expires_at=None if expires is None else datetime.fromisoformat(expires),
        sha256=str(document["sha256"]),
    )


def _kept(new: NewToken) -> StoredToken:
    return StoredToken(new.caller, new.created_at, new.expires_at, digest_of(new.token.encode()))


def _newest(theirs: Sequence[StoredToken], caller: str) -> StoredToken:
    if not theirs:
        raise NotFound(f"{caller!r} has no token.", "See the list of tokens for who has one.")
    return max(theirs, key=lambda one: one.created_at)


def _until(stored: Sequence[StoredToken], end: datetime) -> Sequence[StoredToken]:
    """Those tokens, none of which works for longer than until `end`; what has ended is dropped."""
    if end <= datetime.now(UTC):
        return []
    return [replace(one, expires_at=min(one.expires_at or end, end)) for one in stored]


def _refuse_owner(caller: str) -> None:
    if caller == OWNER:
        raise InvalidInput(
            f"{OWNER!r} is who holds the service's own token.",
            "It can be rotated, or choose another name for a caller.",
        )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
