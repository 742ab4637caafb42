"""Computing in BF16, which keeps the range of FP32 and 8 of its 24 bits: for processors with a unit for it."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.folders import building, copy_side_files
from jupyter_modeldeploy.optimize.quantizing.graph import tried
from jupyter_modeldeploy.optimize.quantizing.result import Quantization
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import openvino
from jupyter_modeldeploy.runtimes.model_file import only_file

MODEL = "model.xml"
WEIGHTED = ("MatMul", "Convolution", "GroupConvolution", "Gather")


def bfloat16(folder: Path, out: Path, reporter: Reporter) -> Quantization:
    """Write the OpenVINO model of `folder` to `out` with its weights in 16 bits, to be computed in BF16. A processor
    without BF16 computes it in FP32.

    Raises InvalidInput when `folder` holds no OpenVINO model or one in BF16, ParityFailed when its answers to random
    inputs are not finite; then `out` is not written."""
    started = time.monotonic()
    if openvino.precision_of(folder) == "bf16":
        raise InvalidInput(f"{folder.name} computes in BF16 already.", "Serve it as it is.")
    package = openvino.module()
    source = only_file(folder, openvino.SUFFIXES)
    with building(out) as partial:
        reporter.progress(0, 2, "parts", "converting the weights")
        copy_side_files(folder, partial)
        model = openvino.read(package.Core(), source)
        package.save_model(model, partial / MODEL, compress_to_fp16=True)
        (partial / openvino.SETTINGS).write_text(json.dumps({"precision": "bf16"}) + "\n", "utf-8")
        reporter.progress(1, 2, "parts", "trying the result")
        operators = dict(Counter(node.get_type_name() for node in model.get_ops()).most_common())
        weighted = sum(operators.get(name, 0) for name in WEIGHTED)
        result = Quantization(
            signature=tried(partial, Format.openvino),
            operators_before=operators,
            operators_after=operators,
            weighted_nodes=weighted,
            quantized_nodes=weighted,
            size_before_bytes=_size(source),
            size_after_bytes=_size(partial / MODEL),
            seconds=time.monotonic() - started,
        )
    reporter.progress(2, 2, "parts", "converted")
    return result


def _size(model: Path) -> int:
    return model.stat().st_size + model.with_suffix(".bin").stat().st_size
