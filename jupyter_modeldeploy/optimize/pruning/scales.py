"""Detectors of a smaller scale: ultralytics describes its networks once for all scales (n, s, m, l, x)."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.folders import building
from jupyter_modeldeploy.runtimes import yolo_network


def smaller(folder: Path, out: Path) -> Path:
    """Write to `out` the description of the network in `folder` at the next smaller scale, without weights; gives
    `out`, which may hold what an earlier call wrote. Raises InvalidInput where there is none."""
    if out.exists():
        return out
    described = json.loads(json.dumps(yolo_network.load(folder).model.yaml))
    scales = list(described.get("scales") or {})
    scale = described.get("scale")
    place = scales.index(scale) if scale in scales else 0
    if place == 0:
        raise InvalidInput("The network has no smaller scale.", "Name a smaller network as the student.")
    with building(out) as partial:
        described["scale"] = scales[place - 1]
        (partial / "student.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    return out
