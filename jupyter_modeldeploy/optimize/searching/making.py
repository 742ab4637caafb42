"""Makes candidates, in a process of its own: `python -m jupyter_modeldeploy.optimize.searching.making`.

Asked for `{"what": "convert", "from", "format", "target", "out", "texts"}` or `{"what": "quantize", "from", "out",
"options", "calibration"}`, where folders and the file of calibration batches are paths."""

from __future__ import annotations

import time
from pathlib import Path

from jupyter_modeldeploy.optimize import converting
from jupyter_modeldeploy.optimize.searching import apart, tensors
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes import tensor_files


def make(question: apart.Asked) -> apart.Asked:
    """`size_bytes` of all files, `seconds`, and the most sensitive `layers` where they were measured."""
    started = time.monotonic()
    out = Path(question["out"])
    layers = _convert(question, out) if question["what"] == "convert" else _quantize(question, out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return {"size_bytes": size, "seconds": time.monotonic() - started, "layers": layers}


def _convert(question: apart.Asked, out: Path) -> list[apart.Asked]:
    convert = converting.load(question["format"], question["target"])
    convert(Path(question["from"]), out, Silent(), question["texts"])
    return []


def _quantize(question: apart.Asked, out: Path) -> list[apart.Asked]:
    from jupyter_modeldeploy.optimize.quantizing.options import QuantizeOptions
    from jupyter_modeldeploy.optimize.quantizing.quantize import quantize

    options = QuantizeOptions(**question["options"])
    batches = tensor_files.load(Path(question["calibration"])) if options.method == "static-int8" else []
    if options.calibration != "minmax":
        batches = tensors.of_one_length(batches)
    quantization = quantize(Path(question["from"]), out, options, Silent(), batches[: options.samples])
    return [layer.model_dump() for layer in quantization.layers]


if __name__ == "__main__":
    apart.answer(make)
