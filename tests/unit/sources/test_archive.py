"""Archives are hostile until checked."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from simple_index import sdist, wheel

from jupyter_modeldeploy.errors import InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.sources.archive import Limits, extract
from jupyter_modeldeploy.sources.reference import Selection

LEAVING = ["../out.txt", "/etc/out.txt", "a/../../out.txt", "a\\..\\out.txt", "C:out.txt", "a\nb"]


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "parent" / "into"
    folder.mkdir(parents=True)
    return folder


def write(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def tar_of(info: tarfile.TarInfo, content: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as package:
        info.size = len(content)
        package.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("name", LEAVING)
@pytest.mark.parametrize(("make", "suffix"), [(wheel, ".zip"), (sdist, ".tar.gz")])
def test_a_name_that_leaves_the_folder_is_refused(make, suffix: str, name: str, tmp_path: Path, into: Path) -> None:
    with pytest.raises(UnsafeContent, match="leave its folder"):
        extract(write(tmp_path, f"a{suffix}", make({name: b"x"})), into)
    assert list(tmp_path.rglob("*.txt")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, tmp_path: Path, into: Path) -> None:
    info = tarfile.TarInfo("link")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(UnsafeContent, match="link"):
        extract(write(tmp_path, "a.tar.gz", tar_of(info)), into)
    assert list(into.iterdir()) == []


def test_a_link_in_a_zip_is_refused(tmp_path: Path, into: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        package.writestr(info, "/etc/passwd")
    with pytest.raises(UnsafeContent, match="is a link"):
        extract(write(tmp_path, "a.zip", buffer.getvalue()), into)


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, into: Path) -> None:
    bomb = write(tmp_path, "a.zip", wheel({"zeros": bytes(4 << 20)}))
    with pytest.raises(UnsafeContent, match="bomb"):
        extract(bomb, into, limits=Limits(ratio=10, ratio_from=1 << 20))


def test_too_many_files_are_refused(tmp_path: Path, into: Path) -> None:
    many = write(tmp_path, "a.zip", wheel({str(number): b"" for number in range(11)}))
    with pytest.raises(UnsafeContent, match="more than 10 files"):
        extract(many, into, limits=Limits(files=10))


def test_permissions_of_the_archive_are_not_taken_over(tmp_path: Path, into: Path) -> None:
    info = tarfile.TarInfo("run.sh")
    info.mode = 0o4777
    extract(write(tmp_path, "a.tar.gz", tar_of(info, b"x")), into)
    assert (into / "run.sh").stat().st_mode & 0o7777 == 0o600


def test_one_name_twice_is_refused(tmp_path: Path, into: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            package.writestr("a", b"2")
    with pytest.raises(UnsafeContent, match="twice"):
        extract(write(tmp_path, "a.zip", buffer.getvalue()), into)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_damaged_archive_is_named(name: str, tmp_path: Path, into: Path) -> None:
    with pytest.raises(InvalidInput, match=name):
        extract(write(tmp_path, name, b"not an archive"), into)


def test_a_cut_off_archive_is_named(tmp_path: Path, into: Path) -> None:
    content = sdist({"a": bytes(range(256)) * 400})
    with pytest.raises(InvalidInput, match="not a readable archive"):
        extract(write(tmp_path, "a.tar.gz", content[: len(content) // 2]), into)


@pytest.mark.parametrize("name", ["CON", "a/nul.txt", "com1.onnx", "a/b.", "a/b ", "a/b:stream"])
@pytest.mark.parametrize(("make", "suffix"), [(wheel, ".zip"), (sdist, ".tar.gz")])
def test_a_name_that_means_something_else_on_windows_is_refused(
    make: Callable[[dict[str, bytes]], bytes], suffix: str, name: str, tmp_path: Path, into: Path
) -> None:
    with pytest.raises(UnsafeContent, match="on Windows"):
        extract(write(tmp_path, f"a{suffix}", make({name: b"x"})), into)


@pytest.mark.parametrize("twins", [("Model.onnx", "model.onnx"), ("caf\u00e9", "cafe\u0301")])
def test_two_names_that_are_one_file_elsewhere_are_refused(twins: tuple[str, str], tmp_path: Path, into: Path) -> None:
    with pytest.raises(UnsafeContent, match="one file on other systems"):
        extract(write(tmp_path, "a.zip", wheel(dict.fromkeys(twins, b"x"))), into)


def test_a_bomb_that_is_divided_among_nested_archives_is_stopped(tmp_path: Path, into: Path) -> None:
    inner = wheel({"zeros": bytes(3 << 20)})
    outer = write(tmp_path, "a.zip", wheel({"inner.zip": wheel({"deeper.zip": inner})}))
    with pytest.raises(UnsafeContent, match="bomb"):
        extract(outer, into, "inner.zip/deeper.zip/zeros", limits=Limits(ratio=100, ratio_from=1 << 20))


@pytest.mark.parametrize(("make", "suffix"), [(wheel, ".zip"), (sdist, ".tar.gz")])
def test_files_that_are_not_wanted_count_too_where_they_have_to_be_listed(
    make: Callable[[dict[str, bytes]], bytes], suffix: str, tmp_path: Path, into: Path
) -> None:
    many = write(tmp_path, f"a{suffix}", make({"wanted": b"", **{f"x/{number}": b"" for number in range(10)}}))
    with pytest.raises(UnsafeContent, match="more than 10 files"):
        extract(many, into, "wanted", limits=Limits(files=10))


def test_a_zip_with_a_huge_table_of_contents_is_refused_before_it_is_read(tmp_path: Path, into: Path) -> None:
    many = write(tmp_path, "a.zip", wheel({str(number): b"" for number in range(100)}))
    with pytest.raises(UnsafeContent, match="table of contents"):
        extract(many, into, limits=Limits(directory_bytes=4096))


def test_a_tar_is_a_bomb_by_what_its_headers_say_before_it_is_unpacked(tmp_path: Path, into: Path) -> None:
    bomb = write(tmp_path, "a.tar.gz", sdist({"zeros": bytes(4 << 20), "wanted": b""}))
    with pytest.raises(UnsafeContent, match="bomb"):
        extract(bomb, into, "wanted", limits=Limits(ratio=10, ratio_from=1 << 20))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_tar_header_that_claims_gigabytes_is_not_read(kind: bytes, tmp_path: Path, into: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 8 << 30
    path = write(tmp_path, "a.tar", info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(InvalidInput, match="a header of 8589934592 bytes"):
        extract(path, into)


def test_patterns_choose_below_the_wanted_folder(tmp_path: Path, into: Path) -> None:
    path = write(tmp_path, "a.zip", wheel({"m/a.onnx": b"1", "m/b.md": b"2", "c.onnx": b"3"}))
    extract(path, into, "m", selection=Selection(include=["*.onnx"]))
    assert [one.name for one in into.iterdir()] == ["a.onnx"]


def test_a_path_may_lead_into_nested_archives(tmp_path: Path, into: Path) -> None:
    inner = wheel({"deep/file.txt": b"found", "deep/other.txt": b"no"})
    outer = sdist({"top/more/inner.zip": inner, "top/readme": b"no"})
    extract(write(tmp_path, "a.tar.gz", outer), into, "more/inner.zip/deep/file.txt", top="top")
    assert {path.name: path.read_bytes() for path in into.iterdir()} == {"file.txt": b"found"}


def test_a_folder_in_an_archive_comes_out_at_the_top(tmp_path: Path, into: Path) -> None:
    extract(
        write(tmp_path, "a.zip", wheel({"pkg/model/a": b"1", "pkg/model/b/c": b"2", "pkg/x": b""})), into, "pkg/model"
    )
    assert sorted(path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file()) == ["a", "b/c"]


def test_a_missing_path_is_answered_with_the_nearest_names(tmp_path: Path, into: Path) -> None:
    with pytest.raises(NotFound, match=r"pkg/model\.onnx"):
        extract(write(tmp_path, "a.zip", wheel({"pkg/model.onnx": b""})), into, "pkg/modell.onnx")
