"""The graph of a profile lies in its job's folder; where there is none, the error says why and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.jobs.kinds.model_graphs import keep, kept
from jupyter_modeldeploy.records import Job, JobState
from jupyter_modeldeploy.records.graphs import GraphNode, ModelGraph
from jupyter_modeldeploy.records.profiles import OperatorRun, Profile

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRAPH = ModelGraph(nodes=[GraphNode(kind="input", name="x"), GraphNode(name="a", type="Relu")], edges=[(0, 1, "")])


def job(kind: str, graph_nodes: int | None) -> Job:
    run = OperatorRun(
        runtime="torch" if graph_nodes is None else "onnxruntime",
        threads=1,
        runs=1,
        run_ms=1,
        profiled_ms=1,
        sum_ms=1,
        events=1,
        event_cost_us=0,
        graph_nodes=graph_nodes,
    )
    profile = Profile(version="text@1", operators=[], run=run, peak_memory_bytes=1, created_at=NOW)
    named = {"kind": kind, "title": "", "parameters": {}, "owner": "me", "state": JobState.succeeded}
    result = {"profile": profile.model_dump(mode="json")}
    return Job(id="0123456789ab", result=result, created_at=NOW, queued_at=NOW, **named)


def test_a_graph_is_kept_as_it_was(tmp_path: Path) -> None:
    keep(tmp_path, GRAPH)
    found, graph = kept(tmp_path, job("profile", graph_nodes=2))
    assert (found.version, graph) == ("text@1", GRAPH)


def test_without_a_graph_the_way_to_one_is_told(tmp_path: Path) -> None:
    keep(tmp_path, None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotFound) as told:
        kept(tmp_path, job("profile", graph_nodes=None))
    assert "modeldeploy convert text@1 --target onnx" in told.value.hint
    with pytest.raises(NotFound):
        kept(tmp_path, job("load", graph_nodes=2))
