"""The model as every peer runs it: ONNX Runtime with one thread a run and none spinning, as our own service does.

The environment says what to serve: `MODEL` is the file, `NAME` its name, `INSTANCES` how many runs may go on at once.
With one, a run takes the caller's thread, since handing a tiny model to another thread costs more than running it."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime

NAME = os.environ["NAME"]
INSTANCES = int(os.environ["INSTANCES"])
DTYPES = {"FP32": np.float32, "INT64": np.int64}
DATATYPES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}


class OnnxModel:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self._session.get_outputs()]
        self._pool = ThreadPoolExecutor(INSTANCES) if INSTANCES > 1 else None

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(self.outputs, self._session.run(self.outputs, inputs), strict=True))

    async def arun(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._pool is None:
            return self.run(inputs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.run, inputs)
