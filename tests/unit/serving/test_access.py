"""A service lets in whoever holds its token, and listens to this machine only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import Forbidden, InvalidInput, NotAuthenticated
from jupyter_modeldeploy.serving.access import guard, require_loopback
from jupyter_modeldeploy.store import tokens


def test_the_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    assert tokens.read(tmp_path) is None
    token = tokens.ensure(tmp_path)
    assert tokens.ensure(tmp_path) == tokens.read(tmp_path) == token
    assert len(token) >= 43
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize("header", [None, b"", b"secret", b"Bearer", b"Bearer wrong", b"Basic secret", b"Bearer \xff"])
def test_anything_but_the_token_is_refused(header: bytes | None) -> None:
    with pytest.raises(NotAuthenticated):
        guard("secret").check({} if header is None else {b"authorization": header})


@pytest.mark.parametrize("header", [b"Bearer secret", b"bearer secret", b"BEARER  secret "])
def test_the_token_is_let_in(header: bytes) -> None:
    guard("secret").check({b"authorization": header})


HERE = b"127.0.0.1:8000"


@pytest.mark.parametrize("host", [None, HERE, b"localhost", b"LocalHost:80", b"127.0.0.2", b"[::1]:80", b"[::1]"])
def test_without_a_token_every_program_of_this_machine_is_let_in(host: bytes | None) -> None:
    guard(None).check({} if host is None else {b"host": host})
    guard(None).check({} if host is None else {b"host": host, b"origin": b"http://" + host})


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"evil.example",
        b"evil.example:8000",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"[::2]",
    ],
)
def test_a_name_that_was_pointed_at_this_machine_is_refused(host: bytes) -> None:
    with pytest.raises(Forbidden, match="no name of this machine"):
        guard(None).check({b"host": host})


@pytest.mark.parametrize(
    "origin", [b"null", b"", b"https://evil.example", b"http://127.0.0.1:9", b"http://localhost:8000"]
)
def test_a_page_from_elsewhere_is_refused_without_a_token(origin: bytes) -> None:
    with pytest.raises(Forbidden, match="Pages of"):
        guard(None).check({b"host": HERE, b"origin": origin})


def test_with_a_token_any_name_and_page_will_do() -> None:
    guard("secret").check({b"authorization": b"Bearer secret", b"host": b"a.example", b"origin": b"https://b.example"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_addresses_may_be_listened_on(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "example.org", "127.0.0.1.example.org"])
def test_no_other_address_may_be_listened_on(host: str) -> None:
    with pytest.raises(InvalidInput, match="cannot listen"):
        require_loopback(host)
