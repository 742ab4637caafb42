"""Models come in from a hub: pinned to a commit, chosen before the first byte, resumed and never mixed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub import Fault, Hub, Zeros, serving
from watching import Watching

from jupyter_modeldeploy.errors import (
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    StorageFull,
    Unavailable,
    UnsafeContent,
)
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Fetched, Selection, fetch, parse
from jupyter_modeldeploy.sources.hubs.huggingface import HuggingFaceSource
from jupyter_modeldeploy.sources.transfer import answers, asking, download, flow

WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"other",
    "tf_model.h5": b"other",
    "onnx/model.onnx": b"other",
    "README.md": b"hello",
}
WANTED = {name: FILES[name] for name in ("config.json", "model.safetensors", "README.md")}
NAME = "org/model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        monkeypatch.setattr(flow, "FIRST_DELAY_S", 0.01)
        monkeypatch.setattr(asking, "FIRST_DELAY_S", 0.01)
        running.repositories[NAME].commit(FILES, "v1")
        yield running


def get(reference: str, into: Path, **selected: Any) -> Fetched:
    return fetch(reference, into, Silent(), Settings(), Selection(**selected))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept(root: Path) -> list[str]:
    """What lies in the cache of files beside finished downloads."""
    return [path.name for path in (root / "cache" / "files").iterdir() if "." in path.name]


def test_a_model_comes_in_pinned_to_its_commit(hub: Hub, tmp_path: Path) -> None:
    fetched = get(f"hf:{NAME}@v1", tmp_path / "into")
    assert contents(fetched.root) == WANTED
    assert fetched.source == f"hf:{NAME}@{hub.repositories[NAME].names['v1']}"


def test_only_the_chosen_files_are_asked_for(hub: Hub, tmp_path: Path) -> None:
    get(f"hf:{NAME}", tmp_path / "into")
    assert {one.path.rpartition("/")[2] for one in hub.contents()} == {"config.json", "model.safetensors", "README.md"}


def test_a_new_commit_on_a_branch_is_noticed(hub: Hub, tmp_path: Path) -> None:
    before = get(f"hf:{NAME}", tmp_path / "before")
    hub.repositories[NAME].commit({**FILES, "config.json": b'{"model_type": "gpt2"}'})
    after = get(f"hf:{NAME}", tmp_path / "after")
    assert before.source != after.source
    assert (after.root / "config.json").read_bytes() == b'{"model_type": "gpt2"}'
    assert contents(get(before.source, tmp_path / "again").root) == WANTED


def test_a_second_fetch_downloads_nothing_and_works_offline(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(f"hf:{NAME}", tmp_path / "first")
    downloaded = len(hub.contents())
    get(f"hf:{NAME}", tmp_path / "second")
    assert len(hub.contents()) == downloaded
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    asked = len(hub.requests)
    assert contents(get(f"hf:{NAME}", tmp_path / "third").root) == WANTED
    assert len(hub.requests) == asked


def test_a_dropped_connection_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(drop_after=300_000), Fault(drop_after=300_000)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED
    ranges = [one.range for one in hub.served() if one.path.endswith("model.safetensors")]
    assert ranges == [None, "bytes=300000-", "bytes=600000-"]


def test_a_server_that_ignores_the_range_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(drop_after=300_000), Fault(ignore_range=True)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


@pytest.mark.parametrize(("name", "received"), [("model.safetensors", 300_000), ("README.md", 2)])
def test_a_file_that_changes_meanwhile_is_never_mixed(name: str, received: int, hub: Hub, tmp_path: Path) -> None:
    """With a published hash, and without one, where only the ETag tells."""
    hub.faults[name] = [Fault(content=FILES[name][::-1], drop_after=received)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


def test_a_wrong_byte_is_found_and_nothing_of_its_file_is_kept(hub: Hub, tmp_path: Path, root: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(damage=True)]
    with pytest.raises(UnsafeContent, match="SHA-256"):
        get(f"hf:{NAME}", tmp_path / "into")
    damaged = hashlib.sha256(FILES["model.safetensors"]).hexdigest()
    assert not [name for name in kept(root) if damaged in name]  # others may be on their way, to be gone on with


def test_a_busy_server_is_asked_again_when_it_says(hub: Hub, tmp_path: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(status=429, retry_after=0), Fault(status=503)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


def test_a_server_that_stays_broken_is_given_up_with_what_arrived_kept(hub: Hub, tmp_path: Path, root: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(drop_after=300_000), *[Fault(status=500)] * download.ATTEMPTS]
    with pytest.raises(Unavailable, match="300000 bytes are kept"):
        get(f"hf:{NAME}", tmp_path / "into")
    get(f"hf:{NAME}", tmp_path / "again")
    assert [one.range for one in hub.served() if one.path.endswith("model.safetensors")][-1] == "bytes=300000-"
    damaged = hashlib.sha256(FILES["model.safetensors"]).hexdigest()
    assert not [name for name in kept(root) if damaged in name]  # others may be on their way, to be gone on with


def test_what_cannot_fit_is_refused_before_the_first_byte(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SPARE_BYTES", 1 << 60)
    with pytest.raises(StorageFull, match="bytes are needed"):
        get(f"hf:{NAME}", tmp_path / "into")
    assert hub.contents() == []


def test_progress_is_told_over_all_files(hub: Hub, tmp_path: Path) -> None:
    watching = Watching()
    fetch(f"hf:{NAME}", tmp_path / "into", watching, Settings())
    size = sum(map(len, WANTED.values()))
    assert watching.told[-1] == (size, size, "bytes")
    assert {total for _, total, _ in watching.told} == {size}


def test_a_folder_of_a_repository_can_be_fetched(hub: Hub, tmp_path: Path) -> None:
    fetched = get(f"hf:{NAME}#onnx", tmp_path / "into")
    assert contents(fetched.root) == {"model.onnx": b"other"}
    assert fetched.source.endswith("#onnx")
    assert contents(get(fetched.source, tmp_path / "again").root) == {"model.onnx": b"other"}


def test_one_file_of_a_repository_can_be_fetched(hub: Hub, tmp_path: Path) -> None:
    assert contents(get(f"hf:{NAME}#onnx/model.onnx", tmp_path / "below").root) == {"model.onnx": b"other"}
    assert contents(get(f"hf:{NAME}#config.json", tmp_path / "top").root) == {"config.json": FILES["config.json"]}
    with pytest.raises(NotFound, match=r"no onnx/other\.onnx"):
        get(f"hf:{NAME}#onnx/other.onnx", tmp_path / "none")


@pytest.mark.parametrize(
    ("selected", "names"),
    [
        ({"framework": "onnx"}, {"config.json", "README.md", "onnx/model.onnx"}),
        ({"framework": "pytorch"}, {"config.json", "README.md", "pytorch_model.bin"}),
        ({"include": ["*.h5", "*.json"]}, {"tf_model.h5", "config.json"}),
        ({"include_weights": False}, {"config.json", "README.md"}),
        ({"exclude": ["*.md", "*.safetensors", "onnx/*"]}, {"config.json", "pytorch_model.bin"}),
    ],
)
def test_a_selection_is_made_before_the_first_byte(
    selected: dict[str, Any], names: set[str], hub: Hub, tmp_path: Path
) -> None:
    get(f"hf:{NAME}", tmp_path / "into", **selected)
    asked = f"/{NAME}/resolve/{hub.repositories[NAME].names['main']}/"
    assert {one.path.removeprefix(asked) for one in hub.contents() if one.path.startswith(asked)} == names


def test_an_empty_selection_says_what_there_is(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"matches '\*\.gguf'") as refused:
        get(f"hf:{NAME}", tmp_path / "into", include=["*.gguf"])
    assert "model.safetensors" in refused.value.hint
    assert hub.contents() == []


def test_a_variant_arrives_under_the_name_that_libraries_look_for(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/half"].commit({**FILES, "model.fp16.safetensors": b"half"})
    got = contents(get("hf:org/half", tmp_path / "into", variant="fp16").root)
    assert got == {"config.json": FILES["config.json"], "README.md": b"hello", "model.safetensors": b"half"}


def test_every_file_is_held_to_a_hash(hub: Hub, tmp_path: Path, root: Path) -> None:
    """Large files to their SHA-256, small ones to Git's hash of the blob."""
    resolution = HuggingFaceSource(Settings()).resolve(parse(f"hf:{NAME}"), Selection())
    commit = hub.repositories[NAME].commits[resolution.source.partition("@")[2]]
    assert {file.path for file in resolution.files} == set(WANTED)
    for file in resolution.files:
        blob = commit[file.path]
        assert file.size == blob.size
        assert (file.sha256, file.git_sha1) in ((blob.sha256, None), (None, blob.git_sha1))


def test_a_dataset_comes_whole_or_by_pattern(hub: Hub, tmp_path: Path) -> None:
    files = {"README.md": b"data", ".gitattributes": b"", "data/train.csv": b"a,b\n", "data/test.parquet": b"PAR1"}
    hub.repositories["datasets/org/data"].commit(files, "v1")
    fetched = get("hf:datasets/org/data@v1", tmp_path / "into")
    assert contents(fetched.root) == {name: content for name, content in files.items() if name != ".gitattributes"}
    assert fetched.source.startswith("hf:datasets/org/data@")
    some = get("hf:datasets/org/data", tmp_path / "some", include=["data/*.csv"])
    assert contents(some.root) == {"data/train.csv": b"a,b\n"}
    one = get("hf:datasets/org/data#data/train.csv", tmp_path / "one")
    assert contents(one.root) == {"train.csv": b"a,b\n"}


def test_a_renamed_repository_is_followed_and_named_as_it_is_called_now(hub: Hub, tmp_path: Path) -> None:
    hub.moved = {"bert": NAME, "old/name": NAME}
    for old in hub.moved:
        fetched = get(f"hf:{old}", tmp_path / old.replace("/", "-"))
        assert contents(fetched.root) == WANTED
        assert fetched.source == f"hf:{NAME}@{hub.repositories[NAME].names['main']}"


@pytest.mark.parametrize("revision", ["v1", "refs/pr/1", "feature/x", None])
def test_branches_tags_pull_requests_and_commits_are_revisions(revision: str | None, hub: Hub, tmp_path: Path) -> None:
    sha = hub.repositories[NAME].commit({**FILES, "config.json": b'{"model_type": "t5"}'}, "refs/pr/1", "feature/x")
    wanted = sha if revision is None else revision
    got = get(f"hf:{NAME}@{wanted}", tmp_path / "into")
    assert got.source == f"hf:{NAME}@{hub.repositories[NAME].find(wanted)}"
    assert (got.root / "config.json").read_bytes() == (
        FILES["config.json"] if revision == "v1" else b'{"model_type": "t5"}'
    )


def test_files_that_the_hub_stores_in_chunks_come_over_plain_http(hub: Hub, tmp_path: Path) -> None:
    hub.xet = True
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


def test_a_repository_of_many_files_is_listed_whole(hub: Hub, tmp_path: Path) -> None:
    """2,000 files in as many folders, over several pages, each with its hash."""
    many = {f"part-{index:04}/config.json": b'{"part": %d}' % index for index in range(2_000)}
    sha = hub.repositories["org/many"].commit({**many, "model.safetensors": WEIGHTS})
    resolution = HuggingFaceSource(Settings()).resolve(parse("hf:org/many"), Selection())
    blobs = hub.repositories["org/many"].commits[sha]
    assert {file.path: file.sha256 or file.git_sha1 for file in resolution.files} == {
        name: blob.sha256 if name == "model.safetensors" else blob.git_sha1 for name, blob in blobs.items()
    }
    assert sum("/tree/" in one.path for one in hub.asked()) == 5  # 2,001 files and 2,000 folders


def test_a_repository_of_several_files_comes_whole(hub: Hub, tmp_path: Path) -> None:
    hub.page = 50
    files = {f"part-{index:04}/config.json": b'{"part": %d}' % index for index in range(120)}
    hub.repositories["org/many"].commit({**files, "model.safetensors": WEIGHTS})
    assert contents(get("hf:org/many", tmp_path / "into").root) == {**files, "model.safetensors": WEIGHTS}


def test_a_large_file_arrives_with_its_hash(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/large"].commit({"config.json": b"{}", "model.safetensors": Zeros(128 << 20)})
    got = get("hf:org/large", tmp_path / "into").root / "model.safetensors"
    assert got.stat().st_size == 128 << 20


def test_a_mirror_whose_links_lead_elsewhere_is_asked_for_every_page(hub: Hub, tmp_path: Path) -> None:
    hub.page, hub.links_url = 2, "http://192.0.2.1"
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


def test_a_mirror_that_knows_no_trees_lists_by_its_information(hub: Hub, tmp_path: Path) -> None:
    hub.only_information = True
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED
    assert contents(get(f"hf:{NAME}#onnx", tmp_path / "below").root) == {"model.onnx": b"other"}


def test_a_busy_hub_is_asked_again_when_it_says(hub: Hub, tmp_path: Path) -> None:
    hub.api_faults = [Fault(status=429, retry_after=0), Fault(status=503), Fault(status=429, retry_after=0)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED
    assert hub.api_faults == []


def test_a_hub_that_asks_for_a_long_wait_is_not_waited_for(hub: Hub, tmp_path: Path) -> None:
    hub.api_faults = [Fault(status=429, retry_after=3600)]
    with pytest.raises(RateLimited, match="Try again in 3600 s"):
        get(f"hf:{NAME}", tmp_path / "into")


def test_what_is_no_hub_is_said(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/login")
    with pytest.raises(Unavailable, match="it is no hub"):
        get(f"hf:{NAME}", tmp_path / "into")
    monkeypatch.setenv("HF_ENDPOINT", "hub.example.org")
    with pytest.raises(InvalidInput, match="not an http"):
        get(f"hf:{NAME}", tmp_path / "into")


def test_a_hostile_name_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/bad"].commit({**FILES, "../../escape.json": b"{}"})
    with pytest.raises(UnsafeContent, match="leave its folder"):
        get("hf:org/bad", tmp_path / "into")


def test_a_private_model_needs_its_token_and_the_token_stays_with_the_hub(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    hub.repositories[NAME].token = "hf_secret"
    with pytest.raises(NotAuthenticated, match="does not exist or is private"):
        get(f"hf:{NAME}", tmp_path / "into")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert contents(get(f"hf:{NAME}", tmp_path / "with").root) == WANTED
    assert not any(one.authorized for one in hub.served() if one.path.startswith("/content/"))
    assert all(b"hf_secret" not in path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("token", ["", "hf_other"])
def test_a_gated_model_says_what_to_do_before_the_first_byte(
    token: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories[NAME].gated, hub.repositories[NAME].token = True, "hf_granted"
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(Forbidden, match="Accept its terms"):
        get(f"hf:{NAME}", tmp_path / "into")
    assert hub.contents() == []
    monkeypatch.setenv("HF_TOKEN", "hf_granted")
    assert contents(get(f"hf:{NAME}", tmp_path / "granted").root) == WANTED


def test_a_gated_model_of_a_mirror_without_access_checks_is_refused_by_its_files(hub: Hub, tmp_path: Path) -> None:
    hub.only_information = True
    hub.repositories[NAME].gated, hub.repositories[NAME].token = True, "hf_granted"
    with pytest.raises(NotAuthenticated, match="401"):
        get(f"hf:{NAME}", tmp_path / "into")


def test_a_token_that_the_hub_does_not_accept_is_said(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.invalid_tokens = {"hf_expired"}
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(NotAuthenticated, match="does not accept the token"):
        get(f"hf:{NAME}", tmp_path / "into")


def test_the_token_of_a_login_is_used(hub: Hub, tmp_path: Path) -> None:
    """In a process of its own: the hub's client looks where its files are when it is imported."""
    hub.repositories[NAME].token = "hf_login"
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("hf_login\n")
    script = (
        "import sys; from pathlib import Path; from jupyter_modeldeploy import sources;"
        "from jupyter_modeldeploy.progress import Silent; from jupyter_modeldeploy.settings import Settings;"
        f"sources.fetch('hf:{NAME}', Path(sys.argv[1]), Silent(), Settings())"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "into")], check=True, timeout=120)
    assert contents(tmp_path / "into") == WANTED


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("hf:org/model@v9", NotFound, "no revision 'v9'"),
        ("hf:org/missing", NotAuthenticated, "does not exist or is private"),
        ("hf:datasets/org/missing", NotAuthenticated, "does not exist or is private"),
        ("hf:org/model#folder", NotFound, "no folder"),
        ("hf:a/b/c", InvalidInput, "not a repository's name"),
        ("hf:../etc", InvalidInput, "not a repository's name"),
    ],
)
def test_what_is_not_there_is_said(
    reference: str, error: type[Exception], message: str, hub: Hub, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        get(reference, tmp_path / "into")


def test_a_hub_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be asked"):
        get("hf:org/model", tmp_path / "into")
