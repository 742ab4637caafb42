"""A service lets in whoever holds a token of it, and listens to this machine only."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import Forbidden, InvalidInput, LoginNeeded, NotAuthenticated
from jupyter_modeldeploy.serving.access import Guard, guard, require_loopback
from jupyter_modeldeploy.tokens import Tokens

HOST = b"127.0.0.1:8000"


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    made = Tokens(tmp_path)
    made.ensure_own()
    return made


@pytest.fixture
def asked(tokens: Tokens, tmp_path: Path) -> Guard:
    return guard(tmp_path)


def bearer(token: str | None) -> dict[bytes, bytes]:
    return {b"authorization": f"Bearer {token}".encode()}


def basic(token: str | None, **more: str) -> dict[bytes, bytes]:
    password = base64.b64encode(f"anyone:{token}".encode())
    given = {name.replace("_", "-").encode(): value.encode() for name, value in more.items()}
    return {b"authorization": b"Basic " + password, b"host": HOST, **given}


@pytest.mark.parametrize(
    "header",
    [None, b"", b"secret", b"Bearer", b"Bearer ", b"Bearer wrong", b"Basic secret", b"Basic Og==", b"Bearer \xff"],
)
def test_anything_but_a_token_is_refused(asked: Guard, header: bytes | None) -> None:
    with pytest.raises(NotAuthenticated):
        asked.check({} if header is None else {b"authorization": header})


@pytest.mark.parametrize("header", [None, b"", b"Bearer None", b"Bearer", b"Bearer "])
def test_without_any_token_nobody_is_let_in(tmp_path: Path, header: bytes | None) -> None:
    with pytest.raises(NotAuthenticated):
        guard(tmp_path).check({} if header is None else {b"authorization": header})


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_the_owner_and_each_caller_are_let_in_by_name(asked: Guard, tokens: Tokens, form: str) -> None:
    alice = tokens.create("alice").token
    for token, name in ((tokens.own(), "owner"), (alice, "alice"), (alice, "alice")):
        assert asked.check({b"authorization": form.format(token).encode()}) == name


def test_a_revoked_token_works_no_more(asked: Guard, tokens: Tokens) -> None:
    token = tokens.create("alice").token
    assert asked.check(bearer(token)) == "alice"
    tokens.revoke("alice")
    asked.refresh()
    with pytest.raises(NotAuthenticated):
        asked.check(bearer(token))


def test_a_rotated_token_works_for_its_grace_period(asked: Guard, tokens: Tokens) -> None:
    first = tokens.own()
    second = tokens.rotate("owner", timedelta(hours=1)).token
    asked.refresh()
    assert asked.check(bearer(first)) == asked.check(bearer(second)) == "owner"
    tokens.rotate("owner")
    asked.refresh()
    for old in (first, second):
        with pytest.raises(NotAuthenticated):
            asked.check(bearer(old))


def test_damaged_files_let_nobody_in(asked: Guard, tokens: Tokens, tmp_path: Path) -> None:
    (tmp_path / "callers.json").write_text("{")
    asked.refresh()
    with pytest.raises(NotAuthenticated):
        asked.check(bearer(tokens.own()))


def test_a_browsers_user_logs_in_with_the_token_as_the_password(asked: Guard, tokens: Tokens) -> None:
    with pytest.raises(LoginNeeded):
        asked.check({b"accept": b"text/html,*/*"})
    assert asked.check(basic(tokens.own())) == "owner"
    assert asked.check(basic(tokens.own(), origin="http://127.0.0.1:8000", sec_fetch_site="same-origin")) == "owner"
    assert asked.check(basic(tokens.own(), sec_fetch_site="cross-site", sec_fetch_mode="navigate")) == "owner"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null", "sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors"},
    ],
)
def test_another_page_cannot_use_the_remembered_password(asked: Guard, tokens: Tokens, headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden, match="Another page"):
        asked.check(basic(tokens.own(), **headers))


@pytest.mark.parametrize("host", [None, HOST, b"localhost", b"LocalHost:80", b"127.0.0.2", b"[::1]:80", b"[::1]"])
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
        guard(None).check({b"host": HOST, b"origin": origin})


def test_with_a_token_any_name_and_page_will_do(asked: Guard, tokens: Tokens) -> None:
    asked.check({**bearer(tokens.own()), b"host": b"a.example", b"origin": b"https://b.example"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_addresses_may_be_listened_on(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "example.org", "127.0.0.1.example.org"])
def test_no_other_address_may_be_listened_on(host: str) -> None:
    with pytest.raises(InvalidInput, match="cannot listen"):
        require_loopback(host)
