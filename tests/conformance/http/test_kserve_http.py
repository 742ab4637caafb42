"""KServe's `InferenceRESTClient` is answered as its users expect, in V1 and V2."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from serving_service import Served

KSERVE = "kserve==0.21.0"
HOME = Path(__file__).parents[3] / "build" / KSERVE
"""An environment of its own, which stays: the package needs an older psutil than ours. What both need is taken from
ours, and not installed again."""

pytestmark = pytest.mark.registry


@pytest.fixture(scope="module")
def calls(served: Served) -> dict[str, Any]:
    """What each call gave, by protocol and name."""
    python, installed = HOME / "bin" / "python", HOME / "installed"
    if not installed.exists():
        venv.create(HOME, clear=True)
        ours = sysconfig.get_path("purelib")
        Path(sysconfig.get_path("purelib", vars={"base": str(HOME)}), "ours.pth").write_text(ours)
        quick = ["--quiet", "--no-compile", "--no-warn-conflicts"]
        subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *quick, KSERVE], check=True)
        installed.touch()
    script = Path(__file__).with_name("kserve_calls.py")
    command = [python, "-W", "ignore", script, str(served.service.url), served.token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800)
    sys.stderr.write(done.stderr)
    assert done.returncode == 0
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_v1_is_live_and_ready(calls: dict[str, Any]) -> None:
    assert (calls["v1"]["live"], calls["v1"]["ready"]) == (True, True)


def test_v1_predicts(calls: dict[str, Any]) -> None:
    assert calls["v1"]["infer"] == {"predictions": [[2, 3, 4, 5], [1, 1, 1, 1]]}
    assert calls["v1"]["texts"]["predictions"][0]["label"] == "positive"
    assert calls["v1"]["missing"] == 404


def test_v2_is_live_and_ready(calls: dict[str, Any]) -> None:
    found = calls["v2"]
    assert (found["live"], found["ready"], found["model_ready"], found["not_ready"]) == (True, True, True, False)


def test_v2_infers_each_datatype_in_json_and_binary(calls: dict[str, Any]) -> None:
    assert {name for name, equal in calls["v2"]["echoes"].items() if not equal} == set()
    assert len(calls["v2"]["echoes"]) == 23


def test_v2_echoes_the_id_and_takes_plain_json(calls: dict[str, Any]) -> None:
    assert calls["v2"]["id"] == "7"
    assert calls["v2"]["plain"]["outputs"][0]["data"] == [3, 3, 3, 3]


def test_v2_refuses_with_a_status(calls: dict[str, Any]) -> None:
    assert (calls["v2"]["missing"], calls["v2"]["without_token"]) == (404, 401)
