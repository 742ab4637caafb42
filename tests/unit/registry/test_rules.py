"""What must hold before an alias moves, who may move it, and who else must agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from registered_versions import As, evaluated, made

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, Forbidden, InvalidInput
from jupyter_modeldeploy.registry.conditions import parse


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("accuracy >= 0.9", 0.9),
        ("loss<1e-2", 0.01),
        ("accuracy >= production - 0.005", 0.795),
        ("size_bytes <= production * 1.5", 1.2),
        ("accuracy > pre-production", 0.8),
        ("difference >= -0.01", -0.01),
    ],
)
def test_a_condition_is_read_as_people_write_it(text: str, bound: float) -> None:
    condition = parse(text)
    assert condition.bound(0.8 if condition.alias else 0.0) == pytest.approx(bound)


@pytest.mark.parametrize("text", ["accuracy", "accuracy = 0.9", ">= 0.9", "accuracy >= 0.9 and f1 > 0.2", "a >= b - c"])
def test_what_is_no_condition_is_refused_when_the_rule_is_set(workspace: Workspace, tmp_path: Path, text: str) -> None:
    made(workspace, tmp_path)
    with pytest.raises(InvalidInput, match="is no condition"):
        workspace.models.set_rule("m", conditions=[text])


def test_a_refusal_says_which_condition_fails_with_the_figures(workspace: Workspace, tmp_path: Path) -> None:
    for accuracy in (0.92, 0.91, 0.893):
        made(workspace, tmp_path, accuracy)
    workspace.models.set_rule("m", conditions=["accuracy >= 0.9", "accuracy >= production - 0.015"])
    workspace.models.promote("m@1")
    workspace.models.promote("m@2")
    with pytest.raises(Conflict) as refused:
        workspace.models.promote("m@3")
    assert "accuracy of m@3 is 0.893, where >= 0.9 is asked; " in refused.value.message
    assert "accuracy of m@3 is 0.893, where >= 0.895 is asked and m@2 has 0.91." in refused.value.message
    tried = workspace.models.promote("m@3", dry_run=True)
    assert [check.holds for check in tried.checks] == [False, False]
    assert workspace.models.alias("m").number == 2


def test_figures_of_other_data_are_not_compared_until_both_are_judged_on_the_same(
    workspace: Workspace, tmp_path: Path
) -> None:
    made(workspace, tmp_path, 0.80, "reviews@1")
    made(workspace, tmp_path, 0.95, "films@1")
    made(workspace, tmp_path)
    workspace.models.promote("m@1")
    workspace.models.set_rule("m", conditions=["accuracy >= production"])
    with pytest.raises(Conflict, match=r"of m@2 is on films@1 and of m@1 on reviews@1, which cannot be compared"):
        workspace.models.promote("m@2")
    with pytest.raises(Conflict, match="m@3 has no figure for accuracy"):
        workspace.models.promote("m@3")
    evaluated(workspace, "m@2", "m@1", (0.84, 0.83), (-0.01, 0.03))
    assert (
        workspace.models.promote("m@2").checks[0].note
        == "accuracy of m@2 is 0.84, where >= 0.83 is asked and m@1 has 0.83"
    )


def test_a_proof_must_not_have_found_the_version_worse(workspace: Workspace, tmp_path: Path) -> None:
    for _ in range(3):
        made(workspace, tmp_path)
    workspace.models.promote("m@1")
    workspace.models.set_rule("m", proof="either")
    with pytest.raises(Conflict, match="m@2 was not compared with m@1 by an evaluation or an experiment"):
        workspace.models.promote("m@2")
    evaluated(workspace, "m@2", "m@1", (0.80, 0.84), (-0.06, -0.02))
    with pytest.raises(Conflict, match=r"found accuracy worse by -0.04, interval -0.06 … -0.02"):
        workspace.models.promote("m@2")


def test_a_rule_stands_before_its_alias_points_anywhere(workspace: Workspace, tmp_path: Path) -> None:
    made(workspace, tmp_path, 0.8)
    workspace.models.set_rule("m", "staging", conditions=["accuracy >= 0.9"])
    (page,) = workspace.models.aliases("m")
    assert (page.alias, page.number, page.rule.conditions) == ("staging", None, ["accuracy >= 0.9"])
    with pytest.raises(Conflict, match="does not become m@staging"):
        workspace.models.promote("m@1", "staging")
    with pytest.raises(Conflict, match="'latest' cannot be an alias"):
        workspace.models.set_rule("m", "latest", conditions=["accuracy >= 0.9"])


def test_conditions_are_tried_before_they_are_set(workspace: Workspace, tmp_path: Path) -> None:
    made(workspace, tmp_path, 0.9)
    made(workspace, tmp_path, 0.8)
    asked = ["accuracy >= 0.9", "accuracy is good", "acuracy >= 0.9", "accuracy >= production - 1"]
    fails, unread, unknown, free = workspace.models.check_conditions("m", asked)
    assert fails.note == "accuracy of m@2 is 0.8, where >= 0.9 is asked"
    assert (unread.holds, unread.note) == (False, "'accuracy is good' is no condition.")
    assert unread.hint.startswith("Write METRIC >= NUMBER")
    assert "m@2 has no figure for acuracy" in unknown.note
    assert free.holds


def test_who_is_not_named_moves_nothing(workspace: Workspace, tmp_path: Path, as_: As) -> None:
    for _ in range(2):
        made(workspace, tmp_path)
    workspace.models.promote("m@1")
    workspace.models.promote("m@2")
    workspace.models.set_rule("m", movers=["anna", "ben"])
    for act in (
        lambda: as_("carol").models.promote("m@1"),
        lambda: as_("carol").models.rollback("m"),
        lambda: as_("carol").models.remove_alias("m", "production"),
        lambda: as_("carol").models.set_rule("m"),
    ):
        with pytest.raises(Forbidden, match="carol may not"):
            act()
    assert as_("ben").models.rollback("m").after == 1
    assert as_("ben").models.set_rule("m", movers=["ben"], reason="anna is away").rules[0].by == "ben"
    assert [one.reason for one in workspace.models.alias("m").rules] == ["anna is away", ""]


class TestSecondPerson:
    @pytest.fixture(autouse=True)
    def ruled(self, workspace: Workspace, tmp_path: Path) -> None:
        for accuracy in (0.9, 0.95):
            made(workspace, tmp_path, accuracy)
        workspace.models.promote("m@1")
        workspace.models.set_rule("m", conditions=["accuracy >= 0.9"], approvers=["ben"])

    def test_it_moves_when_another_agrees(self, workspace: Workspace, as_: As) -> None:
        asked = workspace.models.promote("m@2", reason="better")
        assert asked.request is not None
        assert (asked.move, workspace.models.alias("m").number) == (None, 1)
        with pytest.raises(Forbidden, match="anna asked for it"):
            workspace.models.approve(asked.request.id)
        with pytest.raises(Forbidden, match="carol may not decide"):
            as_("carol").models.approve(asked.request.id)
        moved = as_("ben").models.approve(asked.request.id, note="looked at it").move
        assert moved is not None
        assert (moved.by, moved.approved_by, moved.reason, moved.after) == ("anna", "ben", "better", 2)
        with pytest.raises(Conflict, match="was approved by ben"):
            as_("ben").models.refuse(asked.request.id)

    def test_it_stays_when_another_refuses_and_when_it_moved_meanwhile(self, workspace: Workspace, as_: As) -> None:
        asked = [workspace.models.promote("m@2").request]
        with pytest.raises(Conflict, match="anna asked for the same"):
            workspace.models.promote("m@2")
        assert asked[0] is not None
        as_("ben").models.refuse(asked[0].id, note="not on a Friday")
        page = workspace.models.alias("m")
        assert (page.number, page.requests[0].state, page.requests[0].decision) == (1, "refused", "not on a Friday")
        again = as_("anna").models.promote("m@2").request
        assert again is not None
        workspace.store.aliases.move("m", "production", 2, by="dora")
        with pytest.raises(Conflict, match="is @2 by now, not @1"):
            as_("ben").models.approve(again.id)

    def test_neither_the_plain_door_nor_a_removal_passes_by_it(self, workspace: Workspace) -> None:
        with pytest.raises(Conflict, match="A second person approves"):
            workspace.models.set_alias("m", "production", 2)
        with pytest.raises(Conflict, match="asks for a second person"):
            workspace.models.remove_alias("m", "production")
