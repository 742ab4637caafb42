"""A version in which something was found lies apart and is loaded only by an explicit word, which is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, InvalidInput, UnsafeContent
from jupyter_modeldeploy.records import Finding, Format, Lineage, NewVersion, Step, Verdict, Version
from jupyter_modeldeploy.store import Store

FINDING = Finding(file="weights.bin", kind="pickle", dangerous=True, message="would run posix.system when loaded")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "files"
    path.mkdir()
    (path / "weights.bin").write_bytes(b"weights")
    return path


def add(store: Store, folder: Path, *findings: Finding, judged: bool = True) -> Version:
    lineage = Lineage(step=Step.fetched, source="file:x")
    verdict = Verdict(findings=list(findings)) if judged else None
    return store.versions.add(
        NewVersion(model="m", format=Format.onnx, task="tensor", lineage=lineage, verdict=verdict), folder
    )


@pytest.fixture
def quarantined(store: Store, folder: Path) -> Version:
    return add(store, folder, FINDING)


def test_its_path_is_refused_with_what_was_found_and_how_to_go_on(store: Store, quarantined: Version) -> None:
    with pytest.raises(UnsafeContent, match=r"m@1 is in quarantine: weights\.bin would run posix\.system") as refused:
        store.versions.path(quarantined)
    assert 'modeldeploy models trust m@1 --reason "…"' in refused.value.hint


def test_its_files_lie_apart_and_can_be_read(store: Store, quarantined: Version) -> None:
    assert (store.versions.folder(quarantined) / "weights.bin").read_bytes() == b"weights"
    assert not store.artifacts.model("m", 1).exists()


def test_the_word_is_kept_with_who_said_it_when_and_why(store: Store, quarantined: Version) -> None:
    trusted = store.versions.trust("m@1", "I wrote it")
    assert (store.versions.path(trusted) / "weights.bin").exists()
    kept = store.versions.get("m@1")
    assert kept.verdict is not None
    assert kept.verdict.trusted is not None
    assert (kept.verdict.trusted.by, kept.verdict.trusted.reason) == (store.settings.owner, "I wrote it")
    assert kept.verdict.findings == [FINDING]
    assert store.changes.since(0)[-1].key == "m@1", "followers hear of it"


def test_the_word_is_taken_back_also_for_who_read_the_version_before(store: Store, quarantined: Version) -> None:
    trusted = store.versions.trust("m@1", "I wrote it")
    store.versions.distrust("m@1")
    with pytest.raises(UnsafeContent):
        store.versions.path(trusted)
    with pytest.raises(Conflict, match="Nobody trusts m@1"):
        store.versions.distrust("m@1")


def test_a_word_needs_a_reason_and_something_found(store: Store, folder: Path, quarantined: Version) -> None:
    with pytest.raises(InvalidInput, match="No reason"):
        store.versions.trust("m@1", "  ")
    add(store, folder)
    with pytest.raises(Conflict, match="Nothing unsafe was found in m@2"):
        store.versions.trust("m@2", "why not")


@pytest.mark.parametrize("judged", [True, False])
def test_versions_without_findings_or_without_a_verdict_are_loaded_as_before(
    judged: bool, store: Store, folder: Path
) -> None:
    version = add(store, folder, judged=judged)
    assert store.versions.path(version) == store.versions.folder(version) == store.artifacts.model("m", 1)


def test_a_long_list_of_findings_is_told_in_short_the_dangerous_first(store: Store, folder: Path) -> None:
    harmless = [FINDING.model_copy(update={"file": f"{index}.bin", "dangerous": False}) for index in range(20)]
    version = add(store, folder, *harmless, FINDING)
    with pytest.raises(UnsafeContent, match=r"quarantine: weights\.bin .* and 13 more\."):
        store.versions.path(version)


def test_no_way_of_a_workspace_leads_to_its_files(store: Store, quarantined: Version) -> None:
    workspace = Workspace()
    with pytest.raises(UnsafeContent):
        workspace.models.path("m@1")
    with pytest.raises(UnsafeContent, match="is in quarantine"):
        workspace.services.start(workspace.services.spec("s", ["m@1"]))
    workspace.models.trust("m@1", "I wrote it")
    assert (workspace.models.path("m@1") / "weights.bin").exists()
    workspace.models.distrust("m@1")
    workspace.close()
