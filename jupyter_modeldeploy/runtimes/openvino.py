"""Models of OpenVINO (`*.xml` with its weights in the `*.bin` beside), run on the processor by OpenVINO.

On processors with AMX it computes INT8 and BF16 in the matrix unit, which ONNX Runtime leaves idle."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jupyter_modeldeploy import datatypes, devices
from jupyter_modeldeploy.errors import InvalidInput, OutOfMemory, Unavailable
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.runtimes.model_file import only_file
from jupyter_modeldeploy.signatures import Signature, TensorSpec

SUFFIXES = (".xml",)
SETTINGS = "openvino.json"
"""Beside the model: `{"precision": "bf16"}` where it is to compute in BF16."""
Precision = Literal["f32", "bf16"]
DATATYPES = {
    "boolean": "BOOL",
    "u8": "UINT8",
    "u16": "UINT16",
    "u32": "UINT32",
    "u64": "UINT64",
    "i8": "INT8",
    "i16": "INT16",
    "i32": "INT32",
    "i64": "INT64",
    "f16": "FP16",
    "f32": "FP32",
    "f64": "FP64",
}
TELEMETRY = "openvino_telemetry"
HEAD_BYTES = 1024
NO_MEMORY = ("bad_alloc", "Cannot allocate", "out of memory")
TOKENS = "input_ids"


class OpenVinoRuntime:
    """The folder's model.xml, or its only `*.xml`. See `runtimes.Runtime`.

    As many runs as share the cores with `threads` each go on side by side. Raises NotFound without such a file,
    InvalidInput for one that does not load or takes anything but numbers, Unavailable without the package and for a
    device other than the processor."""

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto", counted: bool = False) -> None:
        """`counted` has each run count the time of its operators, for `counters`."""
        if device == "cuda":
            raise Unavailable("OpenVINO runs on processors here.", "Serve the ONNX version on the GPU.")
        path = only_file(folder, SUFFIXES)
        properties = _properties(precision_of(folder), threads) | ({"PERF_COUNT": True} if counted else {})
        core = module().Core()
        try:
            self._compiled = core.compile_model(read(core, path), "CPU", properties)
        except RuntimeError as error:
            raise InvalidInput(
                f"OpenVINO cannot load {path.name}: {reason(error)}", "Convert the model again."
            ) from error
        self.on_gpu = False
        self.signature = Signature(
            inputs=[_spec(port) for port in self._compiled.inputs],
            outputs=[_spec(port) for port in self._compiled.outputs],
        )
        self._inputs = datatypes.Inputs(self.signature.inputs)
        self._vocabulary = _vocabulary(folder, self.signature)
        self._own = threading.local()

    def run(self, inputs: Tensors) -> Tensors:
        """All outputs by name. Raises InvalidInput for a missing input, a wrong dtype or shape, tokens beyond the
        vocabulary, or shapes that don't fit each other, OutOfMemory."""
        self._inputs.check(inputs)
        if self._vocabulary is not None:
            _check_tokens(inputs[TOKENS], self._vocabulary)
        try:
            answered = self._request().infer(inputs, share_inputs=True)
        except RuntimeError as error:
            if any(words in str(error) for words in NO_MEMORY):
                raise OutOfMemory(f"Not enough memory for this input: {reason(error)}", "Send less.") from error
            raise InvalidInput(f"The model cannot take these values: {reason(error)}") from error
        return {spec.name: answered[place] for place, spec in enumerate(self.signature.outputs)}

    def counters(self) -> list[Any]:
        """OpenVINO's `ProfilingInfo` of each operator in this thread's last run."""
        return list(self._request().get_profiling_info())

    def running_graph(self) -> Any:
        """The model as OpenVINO runs it: its `Model` of execution nodes."""
        return self._compiled.get_runtime_model()

    def _request(self) -> Any:
        """Each thread's own: a request holds the tensors of one run."""
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        return request

    def close(self) -> None:
        """Free the memory; `run` must not be called afterwards."""
        del self._own, self._compiled


def module() -> Any:
    """The package `openvino`. Raises Unavailable where it is not installed.

    Its import tells Intel of it over the network unless the package for that is missing, which it is made to be."""
    if "openvino" not in sys.modules:
        sys.modules.setdefault(TELEMETRY, None)  # type: ignore[arg-type]  # Python's way to say that there is none
    try:
        import openvino  # type: ignore[import-untyped]
    except ImportError as error:
        raise Unavailable("OpenVINO is not installed.", 'pip install "jupyter_modeldeploy[openvino]"') from error
    return openvino


def read(core: Any, path: Path) -> Any:
    """The model in `path`. Raises InvalidInput for a file that is none, which OpenVINO would offer to its readers of
    other formats, and RuntimeError for a damaged one."""
    with path.open("rb") as file:
        if b"<net" not in file.read(HEAD_BYTES):
            raise InvalidInput(f"{path.name} is no model of OpenVINO.", "Convert the model again.")
    return core.read_model(path)


def precision_of(folder: Path) -> Precision:
    """What the model in `folder` computes in. Raises InvalidInput for a setting that is none."""
    precision: Any = read_json(folder / SETTINGS).get("precision", "f32")
    if precision not in ("f32", "bf16"):
        raise InvalidInput(f"{SETTINGS} asks for the precision {precision!r}.", "It can be f32 or bf16.")
    known: Precision = precision
    return known


def reason(error: Exception) -> str:
    """What OpenVINO says is wrong, in one line, without the source files that it was raised in."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return " ".join(told or lines)[:400]


def _properties(precision: Precision, threads: int) -> dict[str, Any]:
    """Nothing is pinned to a core: whoever shares the machine may need it."""
    streams = max(1, devices.usable_cores() // threads)
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams * threads,
        "ENABLE_CPU_PINNING": False,
    }


def _spec(port: Any) -> TensorSpec:
    name, kind = port.get_any_name(), port.get_element_type().get_type_name()
    if kind not in DATATYPES:
        raise InvalidInput(f"The model's {name!r} is {kind}, which cannot be served.", "Export it with plain tensors.")
    shape = [axis.get_length() if axis.is_static else -1 for axis in port.get_partial_shape()]
    return TensorSpec(name=name, dtype=DATATYPES[kind], shape=shape)


def _vocabulary(folder: Path, signature: Signature) -> int | None:
    """The number of tokens that there are; OpenVINO takes one beyond them for a vector of zeros."""
    size = read_json(folder / "config.json").get("vocab_size")
    named = any(spec.name == TOKENS for spec in signature.inputs)
    return size if named and isinstance(size, int) else None


def _check_tokens(tokens: np.ndarray, vocabulary: int) -> None:
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < vocabulary:
        raise InvalidInput(f"A token is beyond the vocabulary of {vocabulary}.", "Use the model's own tokenizer.")
