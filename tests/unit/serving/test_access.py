"""A service lets in whoever holds its token, and listens to this machine only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import InvalidInput, NotAuthenticated
from jupyter_modeldeploy.serving.access import Guard, ensure_token, read_token, require_loopback


def test_the_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    assert read_token(tmp_path) is None
    token = ensure_token(tmp_path)
    assert ensure_token(tmp_path) == read_token(tmp_path) == token
    assert len(token) >= 43
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize("header", [None, b"", b"secret", b"Bearer", b"Bearer wrong", b"Basic secret", b"Bearer \xff"])
def test_anything_but_the_token_is_refused(header: bytes | None) -> None:
    with pytest.raises(NotAuthenticated):
        Guard("secret").check(header)


@pytest.mark.parametrize("header", [b"Bearer secret", b"bearer secret", b"BEARER  secret "])
def test_the_token_is_let_in(header: bytes) -> None:
    Guard("secret").check(header)


def test_without_a_token_everybody_is_let_in() -> None:
    Guard(None).check(None)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_addresses_may_be_listened_on(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "example.org", "127.0.0.1.example.org"])
def test_no_other_address_may_be_listened_on(host: str) -> None:
    with pytest.raises(InvalidInput, match="cannot listen"):
        require_loopback(host)
