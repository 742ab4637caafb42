"""A reference is taken apart, or refused with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.sources import parse


def test_a_hub_reference_has_name_revision_and_folder() -> None:
    reference = parse("hf:org/name@refs/pr/1#sub/folder")
    assert (reference.scheme, reference.name) == ("hf", "org/name")
    assert (reference.revision, reference.path) == ("refs/pr/1", "sub/folder")


def test_a_package_reference_has_version_and_path() -> None:
    reference = parse("pypi:package==1.2#a/b.tar.gz/c.txt")
    assert (reference.name, reference.revision, reference.path) == ("package", "1.2", "a/b.tar.gz/c.txt")


@pytest.mark.parametrize("text", ["file:model.onnx", "file:./model.onnx"])
def test_a_relative_path_is_made_absolute(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(parse(text)) == f"file:{tmp_path}/model.onnx"


def test_a_file_url_is_decoded() -> None:
    assert parse("file:///data/my%20model").name == "/data/my model"


def test_a_path_may_hold_the_signs_that_part_other_references() -> None:
    assert parse("file:/data/a@b#c==d").name == "/data/a@b#c==d"


def test_a_bare_path_is_refused_with_the_hint_to_write_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"file:{tmp_path}"):
        parse(str(tmp_path))


def test_an_unknown_scheme_lists_those_installed() -> None:
    with pytest.raises(InvalidInput, match=r"file:.*hf:.*pypi:"):
        parse("ftp:host/file")


def test_a_url_is_kept_whole_up_to_its_fragment() -> None:
    reference = parse("hf://host/a@b=c?x=1#sub/file&sha256=0")
    assert (reference.name, reference.revision, reference.path) == ("//host/a@b=c?x=1", None, "sub/file&sha256=0")


@pytest.mark.parametrize("text", ["hf://", "hf://host/a b", "", "hf:", "pypi:#path", "file://host/path", "hf:a b"])
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)
