"""requirements.txt is hostile text: packages are compared, whatever reaches outside is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Need
from jupyter_modeldeploy.requirements import difference
from jupyter_modeldeploy.requirements.reading import FILE, notes

INSTALLED = {"torch": "2.13.0", "numpy": "2.4.6", "my-package": "1.0rc1"}


def write(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("line", "need"),
    [
        ("torch>=2", Need.satisfied),
        ("Torch [opt] >= 2  # a comment", Need.satisfied),
        ("my_package>0.9", Need.satisfied),
        ("torch<2 ; python_version >= '3'", Need.other),
        ("torch==1.0; sys_platform == 'nowhere'", Need.not_needed),
        ("einops", Need.missing),
        (f"einops==1.0 --hash=sha256:{'0' * 64}", Need.missing),
        ("einops \\\n  ==1.0", Need.missing),
    ],
)
def test_a_package_is_compared_with_what_is_installed(line: str, need: Need, tmp_path: Path) -> None:
    (found,) = difference(write(tmp_path, line), INSTALLED)
    assert found.need == need


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("--index-url https://elsewhere.example/simple", "index"),
        ("--index-url=https://elsewhere.example/simple", "index"),
        ("--extra-index-url https://elsewhere.example/simple", "index"),
        ("--extra https://elsewhere.example/simple", "index"),
        ("-i https://elsewhere.example/simple", "index"),
        ("-ihttps://elsewhere.example/simple", "index"),
        ("--find-links ./wheels", "index"),
        ("-f https://elsewhere.example/", "index"),
        ("--trusted-host elsewhere.example", "index"),
        ("--no-index", "index"),
        ("git+https://elsewhere.example/a.git", "vcs"),
        ("a @ git+ssh://git@elsewhere.example/a.git", "vcs"),
        ("-e git+https://elsewhere.example/a.git#egg=a", "vcs"),
        ("-e .", "path"),
        ("--editable=../other", "path"),
        (".", "path"),
        ("./package.whl", "path"),
        ("/etc/package.whl", "path"),
        ("file:///etc/package.whl", "path"),
        ("a @ file:///etc/package.whl", "path"),
        ("https://elsewhere.example/a.whl", "url"),
        ("a@https://elsewhere.example/a.whl", "url"),
        ("a @ ftp://elsewhere.example/a.whl", "url"),
        ("a --config-settings=x=y", "option"),
        ("a --global-option=build", "option"),
        ("--no-binary :all:", "option"),
        ("--use-feature=anything", "option"),
        ("-r ../outside.txt", "path"),
        ("-r /etc/passwd", "path"),
        ("--requirement=https://elsewhere.example/r.txt", "path"),
        ("-c ../outside.txt", "path"),
        ("-r link.txt", "path"),
        ("https://elsewhere.example/${HF_TOKEN}/a.whl", "variable"),
        ("--index-url https://$TOKEN@elsewhere.example/", "variable"),
        ("not a package at all", "unknown"),
        ("a; import os", "unknown"),
    ],
)
def test_what_reaches_outside_is_refused(line: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.txt").symlink_to("../outside.txt")
    (found,) = difference(write(folder, line), INSTALLED)
    assert (found.need, found.kind) == (Need.refused, kind)
    assert found.reason


def test_an_allowed_kind_is_not_refused_and_the_others_are(tmp_path: Path) -> None:
    folder = write(tmp_path, "--extra-index-url https://mirror.example/simple\ngit+https://elsewhere.example/a.git")
    index, vcs = difference(folder, INSTALLED, allow=["index"])
    assert (index.need, vcs.need) == (Need.missing, Need.refused)
    with pytest.raises(InvalidInput, match="'anything' cannot be allowed"):
        difference(folder, INSTALLED, allow=["anything"])


def test_files_of_the_same_folder_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("einops\n-r ../requirements.txt\n-r base.txt")
    (tmp_path / "limits.txt").write_text("numpy<2")
    found = difference(write(tmp_path, "-r more/base.txt\n-c limits.txt\ntorch"), INSTALLED)
    assert [one.name for one in found] == ["einops", "torch"]


def test_no_file_asks_for_nothing_and_others_are_noted(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("dependencies: [anything]")
    assert difference(tmp_path, INSTALLED) == []
    assert notes(tmp_path) == ["environment.yml may ask for more; it is not read."]


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="too long"):
        difference(write(tmp_path, "a\n" * 5000), INSTALLED)
    os.truncate(tmp_path / FILE, 1 << 30)
    with pytest.raises(InvalidInput, match="too long"):
        difference(tmp_path, INSTALLED)
