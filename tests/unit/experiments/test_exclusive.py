"""Experiments that share a model's traffic have ranges of a namespace, and leave each other alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recorded_experiment import experiment

from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.experiments.live.asked import namespace_of
from jupyter_modeldeploy.experiments.live.moves import Asked, Moves
from jupyter_modeldeploy.experiments.live.ramp import Ramp
from jupyter_modeldeploy.experiments.live.standing import Standing
from jupyter_modeldeploy.experiments.live.traffic import InRange
from jupyter_modeldeploy.records import Namespace, ServedModel
from jupyter_modeldeploy.serving.contradictions import check_routing
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

MOVES = Moves(Ramp((0.2,), 1, 1, 60), base=1, candidate=2)
OTHER = {"name": "b", "namespace": {"id": "checkout", "start": 0.5}, "arms": [{"version": 1}, {"version": 3}]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(Settings(tmp_path / "root"))
    yield opened
    opened.close()


def going_on(id: str, namespace: str | None, service: str = "reviews", **fields: Any) -> Any:
    within = None if namespace is None else namespace_of(namespace)
    return experiment(service, id=id, namespace=within, outcome="running", **fields)


@pytest.mark.parametrize(
    ("namespace", "service", "said"),
    [
        (None, "reviews", "need a range of a namespace each"),
        ("checkout:0.25-0.6", "reviews", r"checkout:0-0.3, .* Free: checkout:0.3-0.5, checkout:0.7-1."),
        ("search:0.4-0.5", "reviews", r"Free: checkout:0.3-0.5, checkout:0.7-1."),
        ("checkout:0.25-0.6", "elsewhere", "experiment a on 'reviews'"),
    ],
)
def test_a_range_that_is_taken_is_refused_with_what_is_free(
    store: Store, namespace: str | None, service: str, said: str
) -> None:
    store.experiments.begin(going_on("a", "checkout:0-0.3"))
    store.experiments.begin(going_on("b", "checkout:0.5-0.7"))
    with pytest.raises(Conflict, match=said):
        store.experiments.begin(going_on("c", namespace, service))


def test_ranges_that_are_apart_other_models_and_other_services_are_free(store: Store) -> None:
    store.experiments.begin(going_on("a", "checkout:0-0.5"))
    store.experiments.begin(going_on("b", "checkout:0.5-1"))
    with pytest.raises(Conflict, match="Nothing of checkout is free"):
        store.experiments.check_free("reviews", "sentiment", Namespace(id="checkout", start=0.9))
    store.experiments.begin(going_on("c", None, base="topic@1", candidate="topic@2"))
    store.experiments.begin(going_on("d", None, "elsewhere"))
    store.experiments.begin(going_on("e", "search:0-1", "elsewhere", base="topic@1", candidate="topic@2"))
    assert {one.id for one in store.experiments.going_on("reviews")} == {"a", "b", "c"}


@pytest.mark.parametrize("text", ["checkout", "checkout:0.5", "checkout:0.5-0.5", "checkout:0.5-1.1", ":0-1", "a:.-1"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"checkout:0-0\.5"):
        namespace_of(text)


def test_ranges_that_were_set_by_hand_are_apart_from_each_other_and_from_the_namespace_of_the_rest() -> None:
    mine = {**OTHER, "name": "a", "namespace": {"id": "checkout", "start": 0.4, "end": 0.6}}
    for fields in ({"ranges": [OTHER, mine]}, {"ranges": [OTHER], "namespace": {"id": "search"}}):
        served = ServedModel.model_validate({"model": "m", "arms": [{"version": 1}], **fields})
        with pytest.raises(InvalidInput, match="ranges of one namespace that are apart"):
            check_routing(served)


def served() -> ServedModel:
    arms = [{"version": 1, "weight": 0.75}, {"version": 4, "weight": 0.25}, {"version": 3, "weight": 0}]
    return ServedModel.model_validate({"model": "m", "arms": arms, "ranges": [OTHER]})


def weights(of: Any) -> dict[int, float]:
    return {arm.version: arm.weight for arm in of}


def test_each_end_gives_the_range_back_and_leaves_the_others_as_they_are() -> None:
    traffic = InRange("a", namespace_of("checkout:0-0.5"), 1, 2)
    prepared = traffic.prepared(served())
    assert weights(prepared.arms) == {1: 0.75, 4: 0.25, 3: 0, 2: 0}
    before = traffic.before(prepared)
    begun: Standing = MOVES.begin(0.0, before, traffic.arranged(before), {})
    split = traffic.split(prepared, begun)
    assert weights(traffic.arms(split)) == {1: 0.8, 2: 0.2} == weights(traffic.wanted(begun))
    assert split.arms == prepared.arms
    actions: list[Asked] = ["roll-back", "stop", "promote"]
    for action in actions:
        over = MOVES.asked(begun, 5, action, "me")
        after = traffic.split(split, over)
        assert after.ranges == served().ranges
        assert traffic.arms(after) == traffic.wanted(over) == []
        assert traffic.split(after, over) == after, "done twice it is the same"
        moved = {1: 0, 2: 0.75} if action == "promote" else {1: 0.75, 2: 0}
        assert weights(after.arms) == {4: 0.25, 3: 0, **moved}
