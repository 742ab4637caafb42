"""How many models of how many architectures convert to ONNX with a free batch and length, and answer alike.

Each goes through the function that the job `convert` calls. What is not converted is refused with a reason; anything
else that happens is a failure of ours."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from random_models import RandomModel, every

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import ConversionFailed, InvalidInput, ParityFailed
from jupyter_modeldeploy.progress import Silent

CONVERTED, REFUSED = "converted", "refused"


def run(models: Sequence[RandomModel] | None = None) -> dict[str, Any]:
    """The figures `parity_models_passed`, `parity_models_refused` and `parity_models_total`, and a row for each model:
    its outcome, the exporter, the largest difference (absolute and to the output's largest value), or the reason."""
    rows = [one(model) for model in (every() if models is None else models)]
    outcomes = Counter(row["outcome"] for row in rows)
    print(f"\n{outcomes[CONVERTED]} of {len(rows)} models answer alike as ONNX, {outcomes[REFUSED]} are refused.")
    return {
        "parity_models_passed": outcomes[CONVERTED],
        "parity_models_refused": outcomes[REFUSED],
        "parity_models_total": len(rows),
        "parity_models": rows,
    }


def one(model: RandomModel) -> dict[str, Any]:
    """Make one model, convert it and say in a line what came of it."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        model.make(folder)
        convert = plugins.load("converters", f"{model.format}-onnx")
        try:
            made = convert(folder, Path(scratch) / "onnx", Silent())
        except (ConversionFailed, InvalidInput, ParityFailed) as error:
            row: dict[str, Any] = {"outcome": REFUSED, "code": error.code, "reason": error.message}
        else:
            row = {
                "outcome": CONVERTED,
                "exporter": made.exporter,
                "refused_exporters": made.refused,
                "difference": max(output.max_absolute_difference for output in made.parity),
                "relative_difference": max(output.max_relative_difference for output in made.parity),
                "shapes": made.parity[0].shapes,
            }
    row = {"model": model.name, **row, "seconds": time.monotonic() - started}
    print(_line(row), flush=True)
    return row


def _line(row: dict[str, Any]) -> str:
    if row["outcome"] == REFUSED:
        told = f"refused: {row['reason']}"
    else:
        differs = f"{row['difference']:.1e} ({row['relative_difference']:.1e})"
        told = f"{row['exporter']:<7} {differs}, {len(row['shapes'])} shapes"
    return f"{row['model']:<28} {row['seconds']:5.1f} s  {told}"
