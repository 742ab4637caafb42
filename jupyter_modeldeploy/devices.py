"""The processors of this machine: the CPU as far as this process may use it, the GPUs that NVIDIA's driver shows.

GPUs are asked through NVML, never through torch: looking at them imports nothing heavy and takes no memory on
them. Without the driver there is just the CPU; a driver that fails is named in the log, once.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import psutil

from jupyter_modeldeploy import cgroups
from jupyter_modeldeploy.records import Device

log = logging.getLogger(__name__)
psutil.cpu_percent()  # reads as the use since the last call: start counting

INT8_FLAGS = {"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"}

T = TypeVar("T")


def list_devices() -> list[Device]:
    """The CPU ("cpu"), then each GPU ("cuda:0", …). Who holds one and who waits is not known here.

    `CUDA_VISIBLE_DEVICES` hides and orders GPUs as it does for CUDA programs. Without it the order is that of the bus,
    which CUDA follows under `CUDA_DEVICE_ORDER=PCI_BUS_ID`."""
    nvml = _nvml()
    return [_cpu(), *(_gpu(nvml, index, handle) for index, handle in enumerate(_handles(nvml)))]


def memory_held_by(pids: set[int], device: str) -> int:
    """Bytes on a GPU that belong to these processes, as the driver tells; 0 for the CPU and where it does not tell.

    In a container with process numbers of its own, the driver's numbers are the host's and match nobody."""
    return sum(used or 0 for pid, used in processes_on(device) if pid in pids)


def processes_on(device: str) -> list[tuple[int, int | None]]:
    """The pids of the compute processes on a GPU, each with the bytes it holds there or None where the driver does not
    tell; none on the CPU. The pids are the host's, also in a container with process numbers of its own."""
    nvml = _nvml()
    handle = {f"cuda:{index}": handle for index, handle in enumerate(_handles(nvml))}.get(device)
    found = _asked(nvml.nvmlDeviceGetComputeRunningProcesses_v3, handle) if handle is not None else None
    return [(process.pid, process.usedGpuMemory) for process in found or []]


def default_device(kind_of_work: str = "training") -> str:
    """ "cuda:0" where there is a GPU and the library that does the work (torch for training, else ONNX Runtime) was
    built for it; "cpu" otherwise. Neither library is imported for the answer."""
    built_for_cuda = _torch_has_cuda() if kind_of_work == "training" else _onnxruntime_has_cuda()
    return "cuda:0" if built_for_cuda and any(True for _ in _handles(_nvml())) else "cpu"


def usable_cores() -> int:
    """The cores this process may use: its affinity, cut to the control group's quota; at least 1."""
    granted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroups.limits().cores
    return max(1, granted if quota is None else min(granted, int(quota)))


def has_int8_dot() -> bool:
    """Whether the processor sums products of INT8 in one instruction (VNNI on x86, the dot product on ARM), as far as
    Linux tells."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return bool(flags & INT8_FLAGS)


def machine() -> dict[str, Any]:
    """What a measurement was made on: `cpu`, `cores` (usable), `memory_bytes` (usable), `gpus`, `system`, `python`."""
    devices = list_devices()
    return {
        "cpu": devices[0].name,
        "cores": usable_cores(),
        "memory_bytes": devices[0].memory_total,
        "gpus": [device.name for device in devices[1:]],
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _cpu() -> Device:
    memory = psutil.virtual_memory()
    total, used = memory.total, memory.total - memory.available
    limits = cgroups.limits()
    if limits.memory_bytes is not None and limits.memory_bytes < total:
        total = limits.memory_bytes
        used = used if limits.memory_used is None else limits.memory_used
    return Device(
        id="cpu",
        kind="cpu",
        name=_cpu_name(),
        memory_total=total,
        memory_used=min(used, total),
        utilization=min(1.0, psutil.cpu_percent() / 100),
        cores=usable_cores(),
    )


@cache
def _cpu_name() -> str:
    if sys.platform == "linux":
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _gpu(nvml: Any, index: int, handle: Any) -> Device:
    memory = _asked(nvml.nvmlDeviceGetMemoryInfo, handle)
    rates = _asked(nvml.nvmlDeviceGetUtilizationRates, handle)
    return Device(
        id=f"cuda:{index}",
        kind="cuda",
        name=_asked(nvml.nvmlDeviceGetName, handle) or "NVIDIA GPU",
        memory_total=memory.total if memory else 0,
        memory_used=memory.used if memory else 0,
        utilization=rates.gpu / 100 if rates else None,
    )


@cache
def _nvml() -> Any:
    """The module pynvml, initialized once for this process's life, or None without a driver."""
    import pynvml  # type: ignore[import-untyped]

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        return None
    except pynvml.NVMLError as error:
        _warn(f"NVML does not start: {error}. GPUs are not used.")
        return None
    return pynvml


def _handles(nvml: Any) -> Iterator[Any]:
    """NVML's handles of the visible GPUs, in CUDA's order."""
    if nvml is None:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [str(index) for index in range(_asked(nvml.nvmlDeviceGetCount) or 0)]
    for name in names if visible is None else visible.split(","):
        if not name.strip().isdigit():
            handle = _asked(nvml.nvmlDeviceGetHandleByUUID, name.strip())
        else:
            handle = _asked(nvml.nvmlDeviceGetHandleByIndex, int(name)) if name.strip() in names else None
        if handle is None:
            return  # as CUDA does: a name that it does not know hides those after it
        yield handle


def _asked(question: Callable[..., T], *about: Any) -> T | None:
    """NVML's answer; None where this GPU has none, after a word in the log where it should have had one."""
    import pynvml

    try:
        return question(*about)
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):
        return None
    except pynvml.NVMLError as error:
        _warn(f"{question.__name__} failed: {error}.")
        return None


@cache
def _warn(message: str) -> None:
    log.warning(message)


@cache
def _torch_has_cuda() -> bool:
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    built_for = re.search(r"^cuda\b.*=\s*(.+)$", (Path(spec.origin).parent / "version.py").read_text(), re.MULTILINE)
    return built_for is not None and built_for[1].strip() != "None"


@cache
def _onnxruntime_has_cuda() -> bool:
    spec = find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        return False
    return any((Path(spec.origin).parent / "capi").glob("*onnxruntime_providers_cuda.*"))
