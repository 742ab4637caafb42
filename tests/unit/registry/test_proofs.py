"""An experiment as a proof that a rule asks for: what of it speaks for its candidate, and what is lacking."""

from __future__ import annotations

from pathlib import Path

import pytest
from registered_versions import experimented, made

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.experiments.sentences import NOT_DUE
from jupyter_modeldeploy.records import Check, Guardrail, GuardrailState
from jupyter_modeldeploy.registry import moving

BREACHED = GuardrailState(guardrail=Guardrail(metric="error_rate", at_most=0.01), state="breached")


@pytest.fixture(autouse=True)
def served(workspace: Workspace, tmp_path: Path) -> None:
    for _ in range(2):
        made(workspace, tmp_path)
    workspace.models.promote("m@1")
    workspace.models.set_rule("m", proof="experiment")


def checked(workspace: Workspace) -> Check:
    (check,) = workspace.models.promote("m@2", dry_run=True).checks
    return check


@pytest.mark.parametrize(
    ("ends", "fields", "lacking", "hint"),
    [
        ((0.01, 0.05), {"units": [500, 12]}, "had 12 units of a version, where 100 of each are asked", "more units"),
        ((0.01, 0.05), {"split_p_value": 1e-6}, "did not split its traffic as asked (p = 1e-06)", "Find out why"),
        ((0.01, 0.05), {"guardrails": [BREACHED]}, "breached its guardrail on error_rate", "Find out why"),
        ((0.01, 0.05), {"outcome": "rolled back"}, "was rolled back", "Find out why"),
        ((-0.01, 0.05), {}, "is not sure that accuracy is better: +0.02, interval -0.01 … +0.05", "more units"),
        ((-0.01, 0.05), {"outcome": "running"}, "is not sure that accuracy is better", "Wait for it"),
        ((-0.05, -0.01), {}, "found accuracy worse by -0.03, interval -0.05 … -0.01", "Mend the version"),
        ((0.01, 0.05), {"metrics": []}, "can say nothing yet of the metric that decides", "more units"),
    ],
)
def test_what_does_not_speak_for_the_candidate_proves_nothing(
    workspace: Workspace, ends: tuple[float, float], fields: dict[str, object], lacking: str, hint: str
) -> None:
    experimented(workspace, "m@1", "m@2", ends, **fields)
    with pytest.raises(Conflict) as refused:
        workspace.models.promote("m@2")
    assert lacking in refused.value.message
    assert hint in refused.value.hint


def test_what_finds_it_better_proves_it_even_before_its_end(workspace: Workspace) -> None:
    with pytest.raises(Conflict, match="m@2 was not compared with m@1 by an experiment") as refused:
        workspace.models.promote("m@2")
    assert refused.value.hint == "Run one: modeldeploy experiments run SERVICE m@2 --base m@1."
    experimented(workspace, "m@1", "m@2", (0.01, 0.05), outcome="running")
    assert checked(workspace).note.endswith("found accuracy better by +0.03, interval +0.01 … +0.05")


def test_the_newest_that_is_over_counts(workspace: Workspace) -> None:
    experimented(workspace, "m@1", "m@2", (0.01, 0.05))
    experimented(workspace, "m@1", "m@2", (-0.05, -0.01), outcome="running")
    experimented(workspace, "m@2", "m@1", (-0.05, -0.01))
    assert checked(workspace).holds
    experimented(workspace, "m@1", "m@2", (-0.01, 0.05))
    assert not checked(workspace).holds
    promoted = experimented(workspace, "m@1", "m@2", (0.01, 0.05), outcome="running")
    assert not checked(workspace).holds
    version = workspace.models.version("m@2")
    assert moving.promote(workspace.store, version, "production", "anna", experiment=promoted).move is not None


def test_with_a_margin_certainly_not_worse_by_more_is_enough(workspace: Workspace) -> None:
    workspace.models.set_rule("m", proof="experiment", margin=0.02, units=500)
    experimented(workspace, "m@1", "m@2", (-0.017, 0.02))  # of 0.8, 2.1 %
    assert "is not sure that accuracy is worse by less than 2.0 %" in checked(workspace).note
    experimented(workspace, "m@1", "m@2", (-0.015, 0.02))
    assert "found accuracy not worse, difference +0.0025" in checked(workspace).note
    experimented(workspace, "m@1", "m@2", (-0.015, -0.001))
    assert checked(workspace).holds


def test_on_labelled_rows_the_answers_decide_and_nothing_else_may_be_worse(workspace: Workspace) -> None:
    known = experimented(workspace, "m@1", "m@2", (0.01, 0.05), outcome="stopped")
    (accuracy,) = workspace.store.experiments.get(known).metrics
    faster, slower = (
        accuracy.model_copy(update={"metric": "latency_ms", "verdict": each, "lower_is_better": True})
        for each in ("better", "worse")
    )
    unsure = accuracy.model_copy(update={"verdict": "undecided"})
    experimented(workspace, "m@1", "m@2", (0, 1), kind="offline", metrics=[faster, unsure])
    assert "is not sure that accuracy is better" in checked(workspace).note
    experimented(workspace, "m@1", "m@2", (0, 1), kind="offline", metrics=[slower, accuracy])
    assert "found latency_ms worse" in checked(workspace).note
    larger = slower.model_copy(update={"metric": "size_bytes"})
    experimented(workspace, "m@1", "m@2", (0, 1), kind="offline", metrics=[faster, larger, accuracy])
    assert checked(workspace).holds


def test_a_level_below_that_of_others_proves_nothing(workspace: Workspace) -> None:
    known = experimented(workspace, "m@1", "m@2", (0.01, 0.05))
    (accuracy,) = workspace.store.experiments.get(known).metrics
    assert accuracy.difference is not None
    unsure = accuracy.model_copy(update={"difference": accuracy.difference.model_copy(update={"level": 0.6})})
    experimented(workspace, "m@1", "m@2", (0, 1), metrics=[unsure])
    assert checked(workspace).note.endswith("is sure at 60.0 % alone, where 95.0 % is asked")


def test_what_is_not_due_yet_proves_no_equality(workspace: Workspace) -> None:
    workspace.models.set_rule("m", proof="either", margin=0.5)
    known = experimented(workspace, "m@1", "m@2", (-0.01, 0.01), outcome="stopped")
    assert checked(workspace).holds
    (accuracy,) = workspace.store.experiments.get(known).metrics
    early = accuracy.model_copy(update={"note": NOT_DUE})
    experimented(workspace, "m@1", "m@2", (0, 1), metrics=[early], method="fixed", outcome="stopped")
    assert not checked(workspace).holds


def test_a_margin_without_an_experiment_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="the rule asks for none"):
        workspace.models.set_rule("m", proof="evaluation", margin=0.01)
