"""Packages come in from an index, pinned, checked and never run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from simple_index import Index, sdist, serving, wheel
from watching import Watching

from jupyter_modeldeploy.errors import InvalidInput, NotFound, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Fetched, fetch

MODEL = {"tiny/__init__.py": b"raise SystemExit", "tiny/model/config.json": b"{}", "tiny/model/model.onnx": b"weights"}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with serving(tmp_path / "index") as running:
        monkeypatch.setenv("JUPYTER_MODELDEPLOY_PIP_INDEX", running.url)
        running.add("tiny-1.0-py3-none-any.whl", wheel(MODEL))
        yield running


def get(reference: str, into: Path) -> Fetched:
    return fetch(reference, into, Silent(), Settings())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_models_folder_comes_out_at_the_top_and_the_version_is_pinned(index: Index, tmp_path: Path) -> None:
    fetched = get("pypi:tiny", tmp_path / "into")
    assert contents(fetched.root) == {"config.json": b"{}", "model.onnx": b"weights"}
    assert fetched.source == "pypi:tiny==1.0"


def test_the_newest_final_version_that_is_not_withdrawn_is_taken(index: Index, tmp_path: Path) -> None:
    for version, yanked in (("1.10", False), ("1.9", False), ("2.0rc1", False), ("3.0", True)):
        index.add(f"tiny-{version}-py3-none-any.whl", wheel(MODEL), yanked=yanked)
    assert get("pypi:tiny", tmp_path / "into").source == "pypi:tiny==1.10"
    assert get("pypi:tiny==3.0", tmp_path / "withdrawn").source == "pypi:tiny==3.0"


def test_a_path_that_the_wheel_lacks_is_taken_from_the_source_archive(index: Index, tmp_path: Path) -> None:
    nested = sdist({"rows/train.csv": b"text,label"})
    index.add("tiny-1.0.tar.gz", sdist({"tiny-1.0/setup.py": b"boom", "tiny-1.0/data/rows.tar.gz": nested}))
    fetched = get("pypi:tiny==1.0#data/rows.tar.gz/rows/train.csv", tmp_path / "into")
    assert contents(fetched.root) == {"train.csv": b"text,label"}


def test_a_second_fetch_downloads_nothing_and_works_offline(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get("pypi:tiny", tmp_path / "first")
    get("pypi:tiny", tmp_path / "second")
    assert index.downloads() == ["tiny-1.0-py3-none-any.whl"]
    asked = len(index.asked)
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    assert contents(get("pypi:tiny", tmp_path / "third").root) == contents(tmp_path / "first")
    assert len(index.asked) == asked


def test_an_exact_version_is_not_asked_for_twice(index: Index, tmp_path: Path) -> None:
    get("pypi:tiny==1.0", tmp_path / "first")
    asked = len(index.asked)
    get("pypi:tiny==1.0", tmp_path / "second")
    assert len(index.asked) == asked


def test_offline_without_a_copy_says_so(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    with pytest.raises(Unavailable, match="not in the cache"):
        get("pypi:tiny", tmp_path / "into")


def test_a_package_with_another_hash_is_refused_and_not_kept(index: Index, tmp_path: Path, root: Path) -> None:
    index.add("tiny-2.0-py3-none-any.whl", wheel(MODEL), sha256="0" * 64)
    with pytest.raises(UnsafeContent, match="published is 0000"):
        get("pypi:tiny==2.0", tmp_path / "into")
    assert list((root / "cache" / "files").iterdir()) == []


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("pypi:tiny==9", NotFound, r"no version 9\. Newest: 1\.0"),
        ("pypi:missing", NotFound, "no package 'missing'"),
        ("pypi:tiny#tiny/model/weights", NotFound, "tiny/model"),
        ("pypi:tiny==new", InvalidInput, "'new' is not a version"),
        ("pypi:../tiny", InvalidInput, "not a package's name"),
    ],
)
def test_what_is_not_there_is_said(
    reference: str, error: type[Exception], message: str, index: Index, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        get(reference, tmp_path / "into")


def test_several_models_are_listed(index: Index, tmp_path: Path) -> None:
    index.add("two-1.0-py3-none-any.whl", wheel({"two/a/model.onnx": b"", "two/b/model.onnx": b""}))
    with pytest.raises(InvalidInput, match=r"2 models: two/a, two/b"):
        get("pypi:two", tmp_path / "into")


def test_a_hostile_package_is_refused(index: Index, tmp_path: Path) -> None:
    index.add("bad-1.0-py3-none-any.whl", wheel({"m/config.json": b"{}", "m/model.onnx": b"", "m/../../../x": b""}))
    with pytest.raises(UnsafeContent, match="leave its folder"):
        get("pypi:bad", tmp_path / "into")


def test_progress_is_told_in_bytes_to_the_end(index: Index, tmp_path: Path) -> None:
    watching = Watching()
    fetch("pypi:tiny", tmp_path / "into", watching, Settings())
    size = len(wheel(MODEL))
    assert watching.told[-1] == (size, size, "bytes")


def test_an_index_that_does_not_answer_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_PIP_INDEX", "http://user:secret@127.0.0.1:9/simple")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be asked") as caught:
        get("pypi:tiny", tmp_path / "into")
    assert "secret" not in str(caught.value)


def test_credentials_of_the_index_go_to_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_modeldeploy.sources.places.pypi import PyPISource

    monkeypatch.setenv("JUPYTER_MODELDEPLOY_PIP_INDEX", "https://user:p%40ss@packages.example/simple")
    source = PyPISource(Settings())
    expected = f"Basic {base64.b64encode(b'user:p@ss').decode()}"
    assert source.headers("https://packages.example/files/a.whl") == {"Authorization": expected}
    assert source.headers("https://elsewhere.example/a.whl") == {}
    assert source.headers("http://packages.example/a.whl") == {}


def test_the_index_is_the_one_pip_is_set_up_with(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_PIP_INDEX")
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nindex-url = {index.url}\n")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    assert get("pypi:tiny", tmp_path / "into").source == "pypi:tiny==1.0"


def test_extra_indexes_are_asked_too(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_PIP_INDEX")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS")  # what pip is set up with is enough
    with serving(tmp_path / "extra") as extra:
        extra.add("tiny-2.0-py3-none-any.whl", wheel(MODEL))
        extra.add("other-1.0-py3-none-any.whl", wheel(MODEL))
        config = tmp_path / "pip.conf"
        extras = f"{extra.url}\n    file://{tmp_path}/simple"
        config.write_text(f"[global]\nindex-url = {index.url}\nextra-index-url = {extras}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
        assert get("pypi:tiny", tmp_path / "newest").source == "pypi:tiny==2.0"
        assert get("pypi:tiny==1.0", tmp_path / "first").source == "pypi:tiny==1.0"
        assert get("pypi:other", tmp_path / "other").source == "pypi:other==1.0"
        with pytest.raises(NotFound, match="no package 'missing'"):
            get("pypi:missing", tmp_path / "missing")


def test_another_digest_is_checked_where_there_is_no_sha256(index: Index, tmp_path: Path) -> None:
    content = wheel(MODEL)
    index.add("md-1.0-py3-none-any.whl", content, digest=f"md5={hashlib.md5(content).hexdigest()}")
    index.add("md-2.0-py3-none-any.whl", content, digest=f"md5={'0' * 32}")
    assert "model.onnx" in contents(get("pypi:md==1.0", tmp_path / "right").root)
    with pytest.raises(UnsafeContent, match="MD5"):
        get("pypi:md==2.0", tmp_path / "wrong")


def test_a_file_without_any_hash_is_said_not_to_be_verified(
    index: Index, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index.add("bare-1.0-py3-none-any.whl", wheel(MODEL), digest="")
    get("pypi:bare", tmp_path / "into")
    assert "was not verified" in caplog.text


@pytest.mark.registry
def test_the_real_registry_gives_a_file_inside_an_archive_inside_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_PIP_INDEX", raising=False)
    folder = "additional_resources/hutto_ICWSM_2014.tar.gz/hutto_ICWSM_2014"
    fetched = get(f"pypi:vaderSentiment==3.3.2#{folder}/amazonReviewSnippets_GroundTruth.txt", tmp_path / "into")
    (file,) = fetched.root.iterdir()
    assert file.stat().st_size == 373157
