"""The version of ONNX's operators that a graph is written in."""

from __future__ import annotations

from functools import cache

import onnx
import onnxruntime
from onnx import TensorProto, helper

from jupyter_modeldeploy.errors import InvalidInput

NEWEST, OLDEST = 20, 17
"""20 has Gelu as one operator, 17 LayerNormalization; what came later is not yet faster in ONNX Runtime."""
WRITABLE = range(OLDEST, 24)


def chosen(wanted: int | None = None) -> int:
    """The opset to write: `wanted`, for a runtime elsewhere, else the newest useful one that the runtime here loads.

    Raises InvalidInput for one that nothing here writes."""
    if wanted is None:
        return for_runtime()
    if wanted not in WRITABLE:
        raise InvalidInput(f"Opset {wanted} cannot be written.", f"Choose {WRITABLE[0]} to {WRITABLE[-1]}.")
    return wanted


@cache
def for_runtime() -> int:
    """The newest of the opsets from `NEWEST` down that the installed ONNX Runtime loads."""
    return next((opset for opset in range(NEWEST, OLDEST, -1) if _loads(opset)), OLDEST)


def _loads(opset: int) -> bool:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "probe", value[:1], value[1:])
    imports = [helper.make_opsetid("", opset)]
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=imports, ir_version=helper.find_min_ir_version_for(imports)
    )
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
        return False
    return True
