"""The page of a model's graph: every node in a picture of a size that can be drawn, and the model's texts as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_modeldeploy.records.graphs import GraphNode, ModelGraph
from jupyter_modeldeploy.records.profiles import DISPATCH, Operator
from jupyter_modeldeploy.reporting.graph import GraphPage
from jupyter_modeldeploy.reporting.graph_groups import Group, grouped

HOSTILE = "</script><img src=x onerror=alert(1)>"
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def graph(*layers: str) -> ModelGraph:
    return ModelGraph(
        nodes=[GraphNode(name=f"node{n}", type="Add", layer=layer) for n, layer in enumerate(layers)], edges=[]
    )


def pictures(group: Group) -> Iterator[Group]:
    yield group
    for inner in group.groups:
        yield from pictures(inner)


LAYERED = [
    f"model.block.{block}.{part}" for block in range(40) for part in ("norm", "attention.q", "attention.k", "mlp")
]


@pytest.mark.parametrize("layers", [LAYERED * 20, [""] * 3000, [*LAYERED * 4, *[""] * 500], ["same.deep"] * 700])
def test_every_node_is_in_one_picture_and_none_has_too_many(layers: list[str]) -> None:
    whole = grouped(graph(*layers), most=50)
    places = [place for picture in pictures(whole) for place in picture.nodes]
    assert sorted(places) == list(range(len(layers)))
    assert all(len(picture.nodes) + len(picture.groups) <= 50 for picture in pictures(whole))
    assert all(picture.nodes or picture.groups for picture in pictures(whole))


def test_a_small_graph_is_one_picture_and_a_large_one_is_grouped_by_layers() -> None:
    assert grouped(graph(*LAYERED), most=160) == Group("", list(range(160)))
    names = [group.name for group in grouped(graph(*LAYERED), most=100).groups]
    assert names == [f"model.block.{block}" for block in range(40)]


def page(name: str = "dense") -> GraphPage:
    nodes = [
        GraphNode(kind="input", name="x"),
        *(GraphNode(name=each, type="MatMul") for each in (name, "twin", "twin")),
    ]
    return GraphPage(
        version="text@1",
        graph=ModelGraph(nodes=nodes, edges=[(0, 1, HOSTILE), (1, 2, ""), (2, 3, "")]),
        operators=[
            Operator(name=name, type="MatMul", share=0.5, time_ms=5, calls=1),
            Operator(name="twin", type="MatMul", share=0.4, time_ms=4, calls=2),
            Operator(name="(between operators)", type=DISPATCH, share=0.1, time_ms=1, calls=1),
        ],
    )


def data(html: str) -> dict[str, Any]:
    found = DATA.search(html)
    assert found is not None
    return dict(json.loads(found[1]))


def test_nodes_have_their_times_and_what_is_no_node_stands_beside_them() -> None:
    drawn = data(page().html())
    operators = [node["operator"] and node["operator"]["time_ms"] for node in drawn["nodes"]]
    assert operators == [None, 5, 2, 2]
    assert [one["name"] for one in drawn["beside"]] == ["(between operators)"]


def test_texts_of_the_model_are_data_and_the_page_may_reach_nothing() -> None:
    html = page(HOSTILE).html()
    assert HOSTILE not in html
    assert data(html)["nodes"][1]["name"] == HOSTILE
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy[1]
    assert "http:" not in policy[1]
    assert 'sandbox="allow-scripts"' in page()._repr_html_()


def test_nothing_of_netron_is_in_the_page_that_asks_the_network() -> None:
    html = page().html()
    for wanted in ("google", "analytics", "ipinfo", "XMLHttpRequest", "fetch(", "cookie", "consent"):
        assert wanted not in html


def test_the_page_says_its_own_words_in_the_language_asked_for() -> None:
    assert data(page().html())["texts"] == {}
    assert data(page().html("zh-CN"))["texts"]["Zoom in"] == ["放大"]
