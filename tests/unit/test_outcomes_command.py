"""Files of outcomes are read, checked before the first is sent, and recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import serving_service
import tiny_onnx
from typer.testing import CliRunner

from jupyter_modeldeploy.cli.app import app
from jupyter_modeldeploy.experiments import segments, spool
from jupyter_modeldeploy.records import Service, ServiceState
from jupyter_modeldeploy.store import Store

CSV = "unit,request_id,metric,value,id,before\nann,,bought,2.5,1,\n,r1,bought,,,false\nbob,,spent,7,,true\n"
LINES = '{"unit": "ann", "metric": "bought", "value": 2.5, "id": "1"}\n\n{"request_id": "r1", "metric": "bought"}\n'


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Store:
    """One that records, and does not run."""
    serving_service.add(store, "adder", tiny_onnx.add_one(tmp_path / "adder"))
    wanted = serving_service.spec("s", ("adder", [1]), recording={"exposures": True})
    now = datetime.now(UTC)
    store.services.save(Service(name="s", spec=wanted, state=ServiceState.stopped, owner="tester", created_at=now))
    return store


def run(text: str, tmp_path: Path, *more: str) -> tuple[int, str]:
    (tmp_path / "file").write_text(text)
    result = CliRunner().invoke(app, ["experiments", "outcomes", "s", str(tmp_path / "file"), *more])
    return result.exit_code, result.output


@pytest.mark.parametrize(("text", "count"), [(CSV, 3), (LINES, 2)])
def test_outcomes_of_a_file_are_recorded(service: Store, tmp_path: Path, text: str, count: int) -> None:
    status, said = run(text, tmp_path, "--json")
    assert (status, json.loads(said)) == (0, {"taken": count})
    (path,) = spool.segments(service.service_folder("s") / spool.FOLDER)
    rows = [[*row[:5], row[7]] for row in segments.read(path).outcomes]
    told = [
        ["ann", None, "bought", 2.5, "1", 0],
        [None, "r1", "bought", 1.0, None, 0],
        ["bob", None, "spent", 7, None, 1],
    ]
    assert rows == told[:count]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CSV + "cy,,bought,much,,\n", "Line 5: value must be a number"),
        (LINES + "{}", "Line 4: It must have a unit"),
        (LINES + "nothing", "Line 4 is not JSON"),
    ],
)
def test_one_wrong_line_and_none_is_sent(service: Store, tmp_path: Path, text: str, reason: str) -> None:
    status, said = run(text, tmp_path)
    assert status == 2
    assert reason in " ".join(said.replace("│", " ").split())
    assert spool.segments(service.service_folder("s") / spool.FOLDER) == []
