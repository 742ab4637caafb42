"""The tokens of a service: made once, told once, kept as hashes, rotated and revoked."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import Conflict, InvalidInput, ModelDeployError, NotFound
from jupyter_modeldeploy.tokens import OWNER, Tokens


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path)


def test_the_services_own_token_is_made_once_and_is_private(tokens: Tokens, tmp_path: Path) -> None:
    assert tokens.own() is None
    token = tokens.ensure_own()
    assert tokens.ensure_own() == tokens.own() == token
    assert len(token) >= 43
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_a_callers_token_is_nowhere_but_with_the_caller(tokens: Tokens, tmp_path: Path) -> None:
    new = tokens.create("alice")
    assert new.token not in repr(new)
    for file in tmp_path.iterdir():
        assert new.token not in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (listed,) = tokens.list()
    assert (listed.caller, listed.created_at, listed.expires_at) == ("alice", new.created_at, None)
    assert "sha256" not in listed.model_dump()


def test_a_caller_has_one_token(tokens: Tokens) -> None:
    tokens.create("alice")
    with pytest.raises(Conflict, match="has a token already"):
        tokens.create("alice")


def test_a_token_expires(tokens: Tokens) -> None:
    new = tokens.create("alice", timedelta(hours=1))
    assert new.expires_at == new.created_at + timedelta(hours=1)
    tokens.create("bob", timedelta(0))
    assert [one.caller for one in tokens.list()] == ["alice"]


def test_rotation_replaces_the_token_and_keeps_its_lifetime(tokens: Tokens) -> None:
    first = tokens.create("alice", timedelta(hours=1))
    second = tokens.rotate("alice")
    assert second.token != first.token
    assert [one.created_at for one in tokens.list()] == [second.created_at]
    assert second.expires_at == second.created_at + timedelta(hours=1)


def test_with_a_grace_period_both_tokens_work_for_a_while(tokens: Tokens) -> None:
    tokens.create("alice")
    tokens.rotate("alice", timedelta(minutes=5))
    old, new = tokens.list()
    assert old.expires_at is not None
    assert old.expires_at <= datetime.now(UTC) + timedelta(minutes=5)
    assert new.expires_at is None
    tokens.revoke("alice")
    assert tokens.list() == []


def test_the_services_own_token_can_be_rotated_but_not_revoked(tokens: Tokens) -> None:
    first = tokens.ensure_own()
    new = tokens.rotate(OWNER, timedelta(minutes=5))
    assert tokens.own() == new.token != first
    assert [one.caller for one in tokens.list()] == [OWNER]
    tokens.rotate(OWNER)
    assert tokens.list() == []
    for change in (tokens.create, tokens.revoke):
        with pytest.raises(InvalidInput, match="'owner'"):
            change(OWNER)


def test_a_caller_without_a_token_is_told_so(tokens: Tokens) -> None:
    for change in (tokens.rotate, tokens.revoke):
        with pytest.raises(NotFound, match="'nobody' has no token"):
            change("nobody")


def test_a_damaged_file_is_told(tokens: Tokens, tmp_path: Path) -> None:
    (tmp_path / "callers.json").write_text("[{]")
    with pytest.raises(ModelDeployError, match="damaged"):
        tokens.list()
