"""What the runtimes that run on torch share: arrays to tensors and back, threads, the device, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.datatypes import BF16
from jupyter_modeldeploy.errors import InvalidInput, OutOfMemory, Unavailable
from jupyter_modeldeploy.runtimes import DEVICE_FAILED, Tensors, model_failed
from jupyter_modeldeploy.signatures import Signature, TensorSpec

DATATYPES = {
    torch.bool: "BOOL",
    torch.uint8: "UINT8",
    torch.uint16: "UINT16",
    torch.uint32: "UINT32",
    torch.uint64: "UINT64",
    torch.int8: "INT8",
    torch.int16: "INT16",
    torch.int32: "INT32",
    torch.int64: "INT64",
    torch.float16: "FP16",
    torch.bfloat16: "BF16",
    torch.float32: "FP32",
    torch.float64: "FP64",
}
TORCH = {name: dtype for dtype, name in DATATYPES.items()}
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
RUN_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
_OF_NO_INPUT = (NotImplementedError, TypeError)
"""Values and sizes that a module cannot take are RuntimeError, IndexError (a table's end), ValueError (a batch norm's
dimensions) and AssertionError (what was exported as equal) in torch."""

Flat = Callable[[list[torch.Tensor]], Sequence[torch.Tensor]]


def choose_device(device: str) -> torch.device:
    """The torch device for `auto` (CUDA where there is any), `cpu` or `cuda`. Raises Unavailable without CUDA."""
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise Unavailable("torch finds no CUDA device here.", "Serve on the processor: instance type cpu-…")
    return torch.device("cuda")


class TorchModule:
    """A function of tensors, `run` as `Runtime.run`: without gradients, on `device`, with `threads` threads a call."""

    def __init__(self, function: Flat, signature: Signature, threads: int, device: torch.device) -> None:
        self.signature = signature
        self._function = function
        self._threads = threads
        self._device = device
        self._wanted = datatypes.Inputs(signature.inputs)
        self._outputs = [spec.name for spec in signature.outputs]

    def run(self, inputs: Tensors) -> Tensors:
        """All outputs by name. Raises InvalidInput for what the model cannot take, OutOfMemory, and ModelDeployError
        where no input would do."""
        self._wanted.check(inputs)
        if torch.get_num_threads() != self._threads:  # a setting of the calling thread
            torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                given = [tensor(inputs[spec.name], self._device) for spec in self.signature.inputs]
                outputs = [array(output) for output in self._function(given)]
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise out_of_memory(error) from error
        except RUN_ERRORS as error:
            if any(words in str(error) for words in NO_MEMORY):
                raise out_of_memory(error) from error
            if isinstance(error, _OF_NO_INPUT) or any(words in str(error) for words in DEVICE_FAILED):
                raise model_failed(error, reason(error)) from error
            raise InvalidInput(f"The model cannot take these values: {reason(error)}") from error
        return dict(zip(self._outputs, outputs, strict=True))


def out_of_memory(error: BaseException) -> OutOfMemory:
    """The clear form of torch's running out of memory; what it keeps for later is given back to the device."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return OutOfMemory(f"Not enough memory for this input: {reason(error)}", "Send less at once.")


def tensor(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """The array as a tensor on the device; memory that a request lent is copied, as torch may not write to it."""
    own = values if values.flags.writeable and values.flags.c_contiguous else np.array(values, order="C")
    made = torch.from_numpy(own.view(np.uint16)).view(torch.bfloat16) if own.dtype == BF16 else torch.from_numpy(own)
    return made if device.type == "cpu" else made.to(device, non_blocking=True)


def array(output: torch.Tensor) -> np.ndarray:
    """The tensor as an array of this machine's memory."""
    plain = output.detach().cpu().resolve_conj().resolve_neg()
    if plain.dtype == torch.bfloat16:
        return np.asarray(plain.contiguous().view(torch.uint16).numpy().view(BF16))
    return np.asarray(plain.numpy())


def dtype_name(dtype: torch.dtype, what: str) -> str:
    """The protocol's name of a torch dtype. Raises InvalidInput for one that it does not have."""
    if dtype not in DATATYPES:
        raise InvalidInput(f"The model's {what} is {dtype}, which cannot be served.", "Cast it in the model.")
    return DATATYPES[dtype]


def named_outputs(result: Any) -> dict[str, torch.Tensor]:
    """The tensors of a module's result by name: its keys, or `output`, or `output_0`, `output_1` … for several.

    Raises InvalidInput for anything but a tensor, or a tuple, list or dict of tensors."""
    if isinstance(result, torch.Tensor):
        return {"output": result}
    if isinstance(result, Mapping):
        named = {str(name): value for name, value in result.items()}
    elif isinstance(result, (tuple, list)):
        named = dict(zip(output_names(len(result)), result, strict=True))
    else:
        named = {}
    if not named or not all(isinstance(value, torch.Tensor) for value in named.values()):
        raise InvalidInput(
            f"The model answers with {type(result).__name__}, which has no plain form.",
            "Let it return a tensor, or a tuple or dict of tensors.",
        )
    return named


def output_names(count: int) -> list[str]:
    return ["output"] if count == 1 else [f"output_{number}" for number in range(count)]


def spec(name: str, dtype: torch.dtype, shape: Sequence[int]) -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype_name(dtype, name), shape=list(shape))


def reason(error: BaseException) -> str:
    """What torch says, in one line, without the places in its own code."""
    text = str(error).split("Exception raised from")[0].split("The following operation failed")[-1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (" ".join(lines[-3:]) if lines else type(error).__name__)[:400]
