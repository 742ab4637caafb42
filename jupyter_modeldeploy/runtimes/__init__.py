"""Execution of a model's files: load, signature, run, close.

A runtime is a class registered under the entry-point group `jupyter_modeldeploy.runtimes` by the format it loads."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.datatypes import Tensors as Tensors
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.signatures import Format, Signature

DEVICE_FAILED = ("CUDA error", "CUDA failure", "CUBLAS", "CUDNN", "cuDNN error")
"""As ONNX Runtime and torch say that a device failed, whatever it was given."""

log = logging.getLogger(__name__)


class Runtime(Protocol):
    """A loaded model. `run` may be called from several threads at once."""

    signature: Signature

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto") -> None:
        """Load the model in `folder`; one call of `run` uses at most `threads` processor threads.

        `device` is `cpu`, `cuda`, or `auto`: CUDA where there is any."""

    def run(self, inputs: Tensors) -> Tensors:
        """All outputs by name. Raises InvalidInput for a missing input, a wrong dtype or shape, and for values or sizes
        that the model cannot take, where others might do; OutOfMemory; and ModelDeployError where no input would do."""

    def close(self) -> None:
        """Free the memory."""


def model_failed(error: Exception, reason: str) -> ModelDeployError:
    """What to raise for a run that no other input would have saved: the model failed, its runtime or its device."""
    log.error("A model failed", exc_info=error)
    return ModelDeployError(f"The model failed: {reason}", "Where it failed is in the service's log.")


def load(format: Format, folder: Path, threads: int = 1, device: str = "auto") -> Runtime:
    """The runtime for `format` with the model in `folder` loaded on `device` (`cpu`, `cuda`, `auto`)."""
    runtime: type[Runtime] = plugins.load("runtimes", format.value)
    return runtime(folder, threads=threads, device=device)
