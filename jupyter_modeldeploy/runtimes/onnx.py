"""ONNX models on ONNX Runtime, on the processor or on a CUDA device where its provider is installed."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import BF16
from jupyter_modeldeploy.errors import InvalidInput, OutOfMemory, Unavailable
from jupyter_modeldeploy.runtimes import DEVICE_FAILED, Tensors, model_failed
from jupyter_modeldeploy.runtimes.model_file import only_file
from jupyter_modeldeploy.signatures import Signature, TensorSpec

DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(bfloat16)": "BF16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
TENSORRT, CUDA, CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"
ONNX_BFLOAT16 = 16  # onnx.TensorProto.BFLOAT16
SLOW_ON_CPU = "SkipLayerNormFusion"
"""A fusion of ONNX Runtime whose kernel takes 3 to 9 times as long on a processor as the two that it replaces."""
SPIN_US = 12
"""How long a thread looks out for its next part of a call before it sleeps. To be woken takes longer than a small
operator: a MiniLM in INT8 needs 7.0 ms on two cores where threads sleep at once, 5.3 with this and 5.1 where they spin
all the time, with as much processor time; while another process keeps a core busy 7.9, 7.6 and 10 to 13 ms."""
TENSORRT_SWITCH = "JUPYTER_MODELDEPLOY_TENSORRT"
NO_MEMORY = ("Failed to allocate memory", "bad allocation", "bad_alloc", "out of memory")
_LOAD_ERRORS = (
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoSuchFile,
    native.NotImplemented,
    native.RuntimeException,
)
_RUN_ERRORS = (native.Fail, native.InvalidArgument, native.RuntimeException, native.NotImplemented)


class OnnxRuntime:
    """The model `<folder>/model.onnx`, or the folder's only `*.onnx`.

    One session, whose `run` may be called from several threads: each call uses the caller's thread and `threads - 1`
    more. Idle threads hardly spin, since that doubles the time per call where cores are contended. Weights kept outside
    the file must lie in the folder; ONNX Runtime refuses any other path.

    Raises NotFound without a model file and InvalidInput for one that does not load.
    """

    signature: Signature

    def __init__(
        self,
        folder: Path,
        threads: int = 1,
        device: str = "auto",
        options: onnxruntime.SessionOptions | None = None,
    ) -> None:
        path = only_file(folder, (".onnx",))
        chosen = providers(device)
        options = options or session_options(threads, on_gpu=chosen[0] != CPU)
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=chosen)
        except _LOAD_ERRORS as error:
            raise InvalidInput(
                f"ONNX Runtime cannot load {path.name}: {_reason(error)}", "Convert or export the model again."
            ) from error
        self.on_gpu = self._session.get_providers()[0] != CPU
        self.signature = Signature(
            inputs=[_spec(node) for node in self._session.get_inputs()],
            outputs=[_spec(node) for node in self._session.get_outputs()],
        )
        self._inputs = datatypes.Inputs(self.signature.inputs)
        self._outputs = [spec.name for spec in self.signature.outputs]
        self._run_session = self._run_values if self._has("BF16") else self._direct_run()
        self._run_options = onnxruntime.RunOptions()  # made once: a call without any makes its own, 0.7 µs
        self._texts = [spec.name for spec in self.signature.inputs if spec.dtype == "BYTES"]
        self._text_outputs = [spec.name for spec in self.signature.outputs if spec.dtype == "BYTES"]

    def run(self, inputs: Tensors) -> Tensors:
        """All outputs by name; BYTES tensors are object arrays of `bytes` in and out.

        Raises InvalidInput for a missing input, a wrong dtype or shape, or values that the model cannot take (an index
        beyond a table, dimensions that don't fit each other), OutOfMemory, ModelDeployError where no input would do.

        ONNX Runtime's own kinds do not tell these apart: dimensions that don't fit each other are Fail for an Add,
        InvalidArgument for an Expand, and RuntimeException for a Reshape in older releases."""
        self._inputs.check(inputs)
        if self._texts:
            inputs = {**inputs, **{name: _decoded(inputs[name], name) for name in self._texts}}
        try:
            arrays = self._run_session(self._outputs, inputs, self._run_options)
        except _RUN_ERRORS as error:
            if any(words in str(error) for words in NO_MEMORY):
                raise OutOfMemory(f"Not enough memory for this input: {_reason(error)}", "Send less.") from error
            if isinstance(error, native.NotImplemented) or any(words in str(error) for words in DEVICE_FAILED):
                raise model_failed(error, _reason(error)) from error
            raise InvalidInput(f"The model cannot take these values: {_reason(error)}") from error
        outputs: Tensors = dict(zip(self._outputs, arrays, strict=True))
        for name in self._text_outputs:
            outputs[name] = _encoded(outputs[name])
        return outputs

    def _has(self, dtype: str) -> bool:
        return any(spec.dtype == dtype for spec in self.signature.inputs + self.signature.outputs)

    def _direct_run(self) -> Callable[[list[str], Tensors, onnxruntime.RunOptions], list[np.ndarray]]:
        """The native `run`: around it there are checks, made here already, which cost 0.9 µs. On a GPU the session's
        own, which knows what to do when the device fails."""
        bare = self._session if self.on_gpu else getattr(self._session, "_sess", self._session)
        run: Callable[[list[str], Tensors, onnxruntime.RunOptions], list[np.ndarray]] = bare.run
        return run

    def _run_values(self, names: list[str], inputs: Tensors, options: onnxruntime.RunOptions) -> list[np.ndarray]:
        """As the session's `run`, which takes no BF16, since numpy has none."""
        given = {name: _ort_value(array) for name, array in inputs.items()}
        values = self._session.run_with_ort_values(names, given, options)
        return [_bf16(value) if value.data_type() == "tensor(bfloat16)" else value.numpy() for value in values]

    def close(self) -> None:
        """Free the session's memory; `run` must not be called afterwards."""
        del self._run_session, self._session


def session_options(threads: int, on_gpu: bool = False) -> onnxruntime.SessionOptions:
    """Options for a session whose calls use `threads` threads each, which spin for a moment at most and only during a
    call."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if not on_gpu:
        options.add_session_config_entry("optimization.disable_specified_optimizers", SLOW_ON_CPU)
    return options


def providers(device: str = "auto") -> list[str]:
    """The execution providers to use on the device, best first.

    TensorRT compiles a model for minutes before it is faster, so it is used only where the environment variable
    JUPYTER_MODELDEPLOY_TENSORRT is set. Raises Unavailable where `cuda` is asked for and ONNX Runtime has no provider
    for it."""
    available = onnxruntime.get_available_providers()
    if device == "cpu":
        return [CPU]
    chosen = [TENSORRT] if os.environ.get(TENSORRT_SWITCH) and TENSORRT in available else []
    chosen += [CUDA] if CUDA in available else []
    if device == "cuda" and not chosen:
        raise Unavailable("This ONNX Runtime has no CUDA provider.", "pip install onnxruntime-gpu in its place.")
    return [*chosen, CPU]


def _spec(node: onnxruntime.NodeArg) -> TensorSpec:
    if node.type not in DATATYPES:
        raise InvalidInput(
            f"The model's {node.name!r} is {node.type}, which cannot be served.",
            "Export it with plain tensors (for scikit-learn: the option zipmap=False).",
        )
    shape = [size if isinstance(size, int) and size >= 0 else -1 for size in node.shape]
    return TensorSpec(name=node.name, dtype=DATATYPES[node.type], shape=shape)


def _ort_value(array: np.ndarray) -> onnxruntime.OrtValue:
    if array.dtype != BF16:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
    bits = np.ascontiguousarray(array).view(np.uint16)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, ONNX_BFLOAT16)


def _bf16(value: onnxruntime.OrtValue) -> np.ndarray:
    """A copy of the value's memory, which ONNX Runtime gives away by its address only."""
    shape = value.shape()
    bits = (ctypes.c_uint16 * math.prod(shape)).from_address(value.data_ptr())
    return np.frombuffer(bits, BF16).reshape(shape).copy()


def _decoded(array: np.ndarray, name: str) -> np.ndarray:
    try:
        texts = [value.decode() if isinstance(value, bytes) else str(value) for value in array.ravel()]
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The input {name!r} is not UTF-8: {error}.") from error
    return np.array(texts, dtype=np.object_).reshape(array.shape)


def _encoded(array: np.ndarray) -> np.ndarray:
    encoded = np.empty(array.size, dtype=np.object_)
    encoded[:] = [str(value).encode() for value in array.ravel()]
    return encoded.reshape(array.shape)


def _reason(error: Exception) -> str:
    """The last part of ONNX Runtime's message, in one line, without the source file it was raised in."""
    line = " ".join(str(error).split())
    return line.rsplit("Status Message: ", 1)[-1].removeprefix("[ONNXRuntimeError] : ")[:400]
