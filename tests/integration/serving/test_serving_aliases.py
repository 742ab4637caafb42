"""When an alias moves, a running service stays with what it serves unless it is told to follow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tiny_onnx
from serving_service import add, spec

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, ServiceFailed
from jupyter_modeldeploy.records import Serving


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """`adder@1`, `adder@2` and the broken `adder@3`; the service `one` shares its traffic between the first two."""
    folder = tmp_path_factory.mktemp("aliases")
    opened = Workspace(folder / "root")
    for number in (1, 2):
        add(opened.store, "adder", tiny_onnx.add_one(folder / f"adder{number}", number))
    (folder / "broken").mkdir()
    (folder / "broken" / "model.onnx").write_bytes(b"no model")
    add(opened.store, "adder", folder / "broken")
    opened.services.start(spec("one", ("adder", [0.5, 0.5])))
    yield opened
    opened.services.stop("one")
    opened.close()


@pytest.fixture(autouse=True)
def at_first(workspace: Workspace) -> None:
    workspace.models.promote("adder@1", reason="as it was at first")


def answers(workspace: Workspace) -> set[str]:
    body = {"inputs": {"x": [[1, 2, 3, 4]]}}
    return {workspace.services.predict("one", body)["model"] for _ in range(16)}


def test_a_service_is_named_that_still_serves_the_version_before(workspace: Workspace) -> None:
    moved = workspace.models.promote("adder@2")
    command = "modeldeploy services switch one adder@2"
    assert moved.services == [Serving(service="one", version="adder@1", followed=False, command=command)]
    assert "adder@1" in answers(workspace)


def test_a_service_follows_and_goes_back_with_the_alias_to_how_it_was(workspace: Workspace) -> None:
    moved = workspace.models.promote("adder@2", follow=True)
    assert moved.services == [Serving(service="one", version="adder@2", followed=True)]
    assert answers(workspace) == {"adder@2"}
    back = workspace.models.rollback("adder", follow=True)
    assert [(one.service, one.followed) for one in back.services] == [("one", True)]
    assert answers(workspace) == {"adder@1", "adder@2"}


def test_where_a_service_cannot_follow_nothing_is_moved(workspace: Workspace) -> None:
    with pytest.raises(ServiceFailed, match="adder@production stays as it was"):
        workspace.models.promote("adder@3", services=["one"])
    page = workspace.models.alias("adder")
    assert (page.number, page.moves[0].reason) == (1, "the service one could not follow")
    assert answers(workspace) == {"adder@1", "adder@2"}
    add(workspace.store, "other", workspace.models.path("adder@1"))
    with pytest.raises(Conflict, match="does not serve other"):
        workspace.models.promote("other@1", services=["one"])


def test_a_service_says_that_what_it_serves_is_deprecated(workspace: Workspace) -> None:
    workspace.models.deprecate("adder@1", "it adds too little", successor="adder@2")
    [note] = workspace.services.get("one").notes
    assert note.startswith("adder@1 is deprecated, use adder@2 instead.")
    workspace.models.undeprecate("adder@1")
    assert workspace.services.get("one").notes == []
