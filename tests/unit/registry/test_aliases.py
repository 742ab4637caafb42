"""An alias moves once for each who moves it, is rolled back step by step, and keeps who did what and why."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from registered_versions import As, made
from sqlalchemy import insert

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound
from jupyter_modeldeploy.records import Moved
from jupyter_modeldeploy.store import tables


@pytest.fixture(autouse=True)
def versions(workspace: Workspace, tmp_path: Path) -> None:
    for _ in range(3):
        made(workspace, tmp_path)


def test_every_move_keeps_who_when_from_where_and_why(workspace: Workspace, as_: As) -> None:
    workspace.models.promote("m@1", reason="the first")
    as_("ben").models.promote("m@2", reason="it is better")
    page = workspace.models.alias("m")
    assert (page.number, page.rolls_back_to) == (2, 1)
    assert [(one.by, one.before, one.after, one.reason) for one in page.moves] == [
        ("ben", 1, 2, "it is better"),
        ("anna", None, 1, "the first"),
    ]
    assert workspace.models.version("m@production").number == 2
    again = workspace.models.promote("m@2")
    assert (again.move, again.warnings) == (None, ["m@production is @2 already."])


def test_a_rollback_goes_back_one_step_and_again_one_more(workspace: Workspace) -> None:
    for ref in ("m@1", "m@2", "m@3"):
        workspace.models.promote(ref)
    assert [workspace.models.rollback("m").after for _ in range(2)] == [2, 1]
    with pytest.raises(Conflict, match="never pointed elsewhere"):
        workspace.models.rollback("m")
    workspace.models.promote("m@3")
    assert workspace.models.rollback("m", reason="slow").after == 1, "what was rolled back is not gone back to"
    assert [one.action for one in workspace.models.alias("m").moves].count("roll back") == 3


def test_a_removed_alias_is_brought_back_by_a_rollback(workspace: Workspace) -> None:
    workspace.models.promote("m@2", "staging")
    workspace.models.remove_alias("m", "staging")
    with pytest.raises(NotFound, match="no alias"):
        workspace.models.version("m@staging")
    assert workspace.models.rollback("m", "staging").after == 2
    with pytest.raises(NotFound, match="no alias"):
        workspace.models.remove_alias("m", "nosuch")


def test_a_promotion_from_an_old_view_is_refused(workspace: Workspace) -> None:
    workspace.models.promote("m@1", expected=0)
    workspace.models.promote("m@2", expected=1)
    for act in (
        lambda: workspace.models.promote("m@3", expected=1),
        lambda: workspace.models.rollback("m", expected=1),
        lambda: workspace.models.remove_alias("m", "production", expected=1),
    ):
        with pytest.raises(Conflict, match="m@production is @2 by now, not @1"):
            act()
    assert workspace.models.alias("m").number == 2


def test_of_two_who_move_it_at_once_one_is_told_that_the_other_was_first(workspace: Workspace) -> None:
    workspace.models.promote("m@1")
    ready, outcomes = threading.Barrier(2), []

    def act(ref: str) -> None:
        ready.wait()
        try:
            outcomes.append(workspace.models.promote(ref, expected=1))
        except Conflict as error:
            outcomes.append(error)

    threads = [threading.Thread(target=act, args=(ref,)) for ref in ("m@2", "m@3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [moved] = [one for one in outcomes if isinstance(one, Moved)]
    assert [type(one) for one in outcomes].count(Conflict) == 1
    assert [one.after for one in workspace.models.alias("m").moves] == [moved.after, 1]


def test_an_alias_of_a_workspace_without_history_can_be_moved_and_rolled_back(workspace: Workspace) -> None:
    store = workspace.store
    with store._database.write() as connection:
        old = store.models.get("m").model_copy(update={"aliases": {"production": 2}}).model_dump(mode="json")
        connection.execute(tables.models.update().values(record=old))
        record = store.versions.get("m@1").model_dump(mode="json", exclude={"deprecated"})
        connection.execute(insert(tables.versions).values(model="old", number=1, lineage_hash="", record=record))
    assert workspace.models.alias("m").moves == []
    workspace.models.promote("m@3")
    assert workspace.models.rollback("m").after == 2
    assert workspace.models.versions("old")[0].deprecated is None


def test_a_deprecated_version_still_loads_and_says_so(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidInput, match="No reason"):
        workspace.models.deprecate("m@1", " ")
    with pytest.raises(InvalidInput, match="its own place"):
        workspace.models.deprecate("m@1", "worse", successor="m@1")
    version = workspace.models.deprecate("m@1", "it is worse on long texts", successor="m")
    assert version.deprecated is not None
    assert (version.deprecated.by, version.deprecated.successor) == ("anna", "m@3")
    assert workspace.models.path("m@1").is_dir()
    assert "m@1 is deprecated, use m@3 instead. anna says why: it is worse on long texts" in caplog.text
    assert workspace.models.promote("m@1").warnings == [caplog.messages[-1]]
    assert workspace.models.undeprecate("m@1").deprecated is None
    with pytest.raises(Conflict, match="not deprecated"):
        workspace.models.undeprecate("m@1")
