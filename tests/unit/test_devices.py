"""Devices, with NVIDIA's driver played by a small shared library that the real pynvml loads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy import cgroups, devices

FAKE_NVML = Path(__file__).parent.parent / "fake_nvml.c"
DRIVER_NOT_LOADED, UNKNOWN_ERROR = "9", "999"

ASK = """
import json, logging, sys
logging.basicConfig(stream=sys.stderr, format="%(message)s")
from jupyter_modeldeploy import devices
print(json.dumps({
    "devices": [device.model_dump() for device in devices.list_devices()],
    "again": len(devices.list_devices()),
    "held": [devices.memory_held_by({101, 102, 103}, "cuda:0"), devices.memory_held_by({102}, "cuda:0"),
             devices.memory_held_by({101}, "cuda:1"), devices.memory_held_by({101}, "cpu"),
             devices.memory_held_by({101}, "cuda:7")],
    "default": [devices.default_device("training"), devices.default_device("inference")],
    "machine": devices.machine(),
    "imported": [name for name in ("torch", "onnxruntime") if name in sys.modules],
}))
"""


PROCESSES = """
import json, sys
from jupyter_modeldeploy import Workspace
print(json.dumps({
    "processes": {device.id: [(p.pid, p.memory) for p in device.processes] for device in Workspace().devices.list()},
}))
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the fake libnvidia-ml.so.1."""
    if not (compiler := shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", FAKE_NVML], check=True)
    return folder


def ask(driver: Path, path: Path | None = None, script: str = ASK, **environment: str) -> tuple[dict[str, Any], str]:
    """What a fresh process with that driver sees, and what it writes into its log."""
    base = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    python_path = {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**base, "LD_LIBRARY_PATH": str(driver), **python_path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


def test_the_cpu_is_always_listed() -> None:
    cpu = devices.list_devices()[0]
    assert (cpu.id, cpu.kind) == ("cpu", "cpu")
    assert 0 < cpu.memory_used <= cpu.memory_total
    assert cpu.utilization is not None
    assert 0 <= cpu.utilization <= 1


def test_gpus_are_listed_after_the_cpu_with_their_memory_and_use(driver: Path) -> None:
    seen, log = ask(driver)
    found = [(d["id"], d["name"], d["memory_total"], d["memory_used"], d["utilization"]) for d in seen["devices"][1:]]
    assert found == [("cuda:0", "Fake A100", 80000, 30000, 0.75), ("cuda:1", "Fake T4", 16000, 0, 0.0)]
    assert log == ""


def test_memory_is_summed_over_the_named_processes_on_one_device(driver: Path) -> None:
    seen, _ = ask(driver)
    assert seen["held"] == [29000, 9000, 0, 0, 0]


def test_a_workspace_lists_the_processes_on_a_gpu_the_largest_first(driver: Path, root: Path) -> None:
    seen, _ = ask(driver, script=PROCESSES, JUPYTER_MODELDEPLOY_ROOT=str(root))
    assert seen["processes"] == {"cpu": [], "cuda:0": [[101, 20000], [102, 9000], [103, None]], "cuda:1": []}


def test_neither_torch_nor_onnxruntime_is_imported(driver: Path) -> None:
    seen, _ = ask(driver)
    assert seen["imported"] == []


def test_a_gpu_is_the_default_where_the_libraries_are_built_for_it(driver: Path, tmp_path: Path) -> None:
    for package, file, text in (
        ("torch", "version.py", "from typing import Optional\ncuda: Optional[str] = '13.0'\n"),
        ("onnxruntime", "capi/libonnxruntime_providers_cuda.so", ""),
    ):
        (tmp_path / package / file).parent.mkdir(parents=True)
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / file).write_text(text)
    assert ask(driver, tmp_path)[0]["default"] == ["cuda:0", "cuda:0"]
    assert ask(driver, tmp_path, CUDA_VISIBLE_DEVICES="")[0]["default"] == ["cpu", "cpu"]


def test_the_cpu_is_the_default_where_the_libraries_are_built_without_cuda(driver: Path, tmp_path: Path) -> None:
    for package in ("torch", "onnxruntime/capi"):
        (tmp_path / package).mkdir(parents=True)
    for package in ("torch", "onnxruntime"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text("cuda: Optional[str] = None\n")
    assert ask(driver, tmp_path)[0]["default"] == ["cpu", "cpu"]


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("1", ["Fake T4"]),
        ("1,0", ["Fake T4", "Fake A100"]),
        ("GPU-22222222-0000-0000-0000-000000000000", ["Fake T4"]),
        ("0,7,1", ["Fake A100"]),
        ("-1", []),
        ("", []),
    ],
)
def test_hidden_gpus_are_not_listed(driver: Path, visible: str, names: list[str]) -> None:
    seen, _ = ask(driver, CUDA_VISIBLE_DEVICES=visible)
    assert [device["name"] for device in seen["devices"][1:]] == names


def test_without_a_driver_there_is_only_the_cpu_and_no_word_in_the_log(driver: Path, tmp_path: Path) -> None:
    seen, log = ask(driver, FAKE_NVML_INIT=DRIVER_NOT_LOADED)
    assert ([device["id"] for device in seen["devices"]], log) == (["cpu"], "")
    (tmp_path / "libnvidia-ml.so.1").write_text("not a library")
    seen, log = ask(tmp_path)
    assert ([device["id"] for device in seen["devices"]], log) == (["cpu"], "")


def test_a_driver_that_fails_is_named_in_the_log_once(driver: Path) -> None:
    seen, log = ask(driver, FAKE_NVML_INIT=UNKNOWN_ERROR)
    assert [device["id"] for device in seen["devices"]] == ["cpu"]
    assert log.count("NVML does not start") == 1


def test_a_lost_gpu_stays_in_the_list_and_is_named_in_the_log(driver: Path) -> None:
    seen, log = ask(driver, FAKE_NVML_LOST="1")
    assert [(device["id"], device["utilization"]) for device in seen["devices"][1:]] == [
        ("cuda:0", 0.75),
        ("cuda:1", None),
    ]
    assert log.count("nvmlDeviceGetName failed: GPU is lost") == 1


def test_the_machine_names_what_a_measurement_was_made_on(driver: Path) -> None:
    machine = ask(driver)[0]["machine"]
    assert machine["gpus"] == ["Fake A100", "Fake T4"]
    assert machine["cores"] == devices.usable_cores() >= 1
    assert machine["memory_bytes"] > 0
    assert machine["cpu"]
    assert machine["python"] == ".".join(map(str, sys.version_info[:3]))


def control_group(root: Path, membership: str, files: dict[str, str]) -> cgroups.Limits:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    (root / "membership").write_text(membership + "\n")
    return cgroups.limits(root, root / "membership")


def test_the_tightest_of_the_nested_control_groups_counts(tmp_path: Path) -> None:
    files = {
        "pod/cpu.max": "150000 100000",
        "pod/memory.max": "4000000",
        "pod/memory.current": "3000000",
        "pod/memory.stat": "anon 1000000\ninactive_file 500000",
        "pod/box/cpu.max": "max 100000",
        "pod/box/memory.max": "max",
    }
    assert control_group(tmp_path, "0::/pod/box", files) == cgroups.Limits(1.5, 4000000, 2500000)


def test_version_one_control_groups_are_read(tmp_path: Path) -> None:
    files = {
        "cpu/box/cpu.cfs_quota_us": "200000",
        "cpu/box/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": "5000",
        "memory/memory.usage_in_bytes": "900",
        "memory/memory.stat": "total_inactive_file 400",
    }
    groups = "5:cpu,cpuacct:/box\n4:memory:/outside/of/the/container"
    assert control_group(tmp_path, groups, files) == cgroups.Limits(2.0, 5000, 500)


def test_without_control_groups_there_are_no_limits(tmp_path: Path) -> None:
    assert cgroups.limits(tmp_path / "none", tmp_path / "neither") == cgroups.Limits()
