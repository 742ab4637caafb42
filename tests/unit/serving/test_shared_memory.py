"""Regions of shared memory are what a client registered, nothing else of the machine, and never a way to crash us."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_modeldeploy.errors import Conflict, InvalidInput, ModelDeployError, NotFound, TooLarge
from jupyter_modeldeploy.serving.protocols.triton import shared_memory
from jupyter_modeldeploy.serving.protocols.triton.classification import classified
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import SHARED_MEMORY, Regions
from jupyter_modeldeploy.serving.protocols.v2 import decode_request, encode_response

SIZE = 64


@pytest.fixture
def regions(tmp_path: Path) -> Regions:
    return Regions(tmp_path, 1, max_bytes=1000)


@pytest.fixture
def key() -> Iterator[str]:
    """A shared memory object of 64 bytes: 0, 1, 2, …"""
    path = SHARED_MEMORY / f"modeldeploy-{secrets.token_hex(8)}"
    path.write_bytes(bytes(range(SIZE)))
    yield f"/{path.name}"
    path.unlink(missing_ok=True)


def test_a_region_is_a_part_of_an_object(regions: Regions, key: str) -> None:
    regions.register("a", key, 8, 16)
    assert regions.read("a", 4, 4) == bytes([12, 13, 14, 15])
    regions.write("a", 0, b"\xff\xff")
    assert (SHARED_MEMORY / key[1:]).read_bytes()[7:11] == b"\x07\xff\xff\x0a"


def test_other_processes_of_the_service_see_what_one_registered(tmp_path: Path, key: str) -> None:
    one, other = Regions(tmp_path, 7, 1000), Regions(tmp_path, 7, 1000)
    one.register("a", key, 0, 8)
    assert other.read("a", 0, 8) == bytes(range(8))
    other.unregister("a")
    with pytest.raises(NotFound):
        one.read("a", 0, 8)
    one.register("a", key, 8, 8)
    assert other.read("a", 0, 8) == bytes(range(8, 16))


def test_a_service_that_starts_again_knows_no_region(tmp_path: Path, key: str) -> None:
    Regions(tmp_path, 7, 1000).register("a", key, 0, 8)
    assert Regions(tmp_path, 8, 1000).status() == []
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "wrong", ["", "/", ".", "..", "/..", "../etc/passwd", "/../../etc/passwd", "a/b", "//etc/passwd", "a\0b", "x" * 300]
)
def test_only_names_of_shared_memory_are_keys(regions: Regions, wrong: str) -> None:
    with pytest.raises(InvalidInput):
        regions.register("a", wrong, 0, 1)


def test_links_folders_and_pipes_are_no_shared_memory(regions: Regions, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    name = f"modeldeploy-{secrets.token_hex(8)}"
    path = SHARED_MEMORY / name
    for make, remove in (
        (lambda: path.symlink_to(tmp_path / "secret"), path.unlink),
        (path.mkdir, path.rmdir),
        (lambda: os.mkfifo(path), path.unlink),
    ):
        make()
        try:
            with pytest.raises(InvalidInput):
                regions.register("a", name, 0, 1)
        finally:
            remove()


@pytest.mark.parametrize(("offset", "size"), [(0, 0), (0, SIZE + 1), (SIZE, 1), (-1, 2), (2**62, 2**62), (0, 2**63)])
def test_a_region_is_within_its_object(regions: Regions, key: str, offset: int, size: int) -> None:
    with pytest.raises(InvalidInput):
        regions.register("a", key, offset, size)


@pytest.mark.parametrize(("offset", "size"), [(0, 17), (16, 1), (-1, 1), (0, -1), (2**63, 2**63)])
def test_a_tensor_is_within_its_region(regions: Regions, key: str, offset: int, size: int) -> None:
    regions.register("a", key, 0, 16)
    with pytest.raises(InvalidInput):
        regions.read("a", offset, size)


def test_an_object_that_became_shorter_is_told(regions: Regions, key: str) -> None:
    regions.register("a", key, 0, SIZE)
    os.truncate(SHARED_MEMORY / key[1:], 8)
    with pytest.raises(InvalidInput, match="shorter"):
        regions.read("a", 0, SIZE)
    with pytest.raises(InvalidInput, match="shorter"):
        regions.write("a", 32, b"abc")
    assert (SHARED_MEMORY / key[1:]).stat().st_size == 8
    os.unlink(SHARED_MEMORY / key[1:])
    with pytest.raises(InvalidInput, match="cannot be opened"):
        regions.read("a", 0, SIZE)


def test_names_and_numbers_of_regions_have_limits(regions: Regions, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "MAX_REGIONS", 8)
    for name in ("", "x" * 256):
        with pytest.raises(InvalidInput):
            regions.register(name, key, 0, 1)
    regions.register("../" * 80, key, 0, 1)
    regions.register("grün/..\0", key, 0, 1)
    with pytest.raises(Conflict, match="already"):
        regions.register("grün/..\0", key, 0, 1)
    for number in range(6):
        regions.register(str(number), key, 0, 1)
    with pytest.raises(Conflict, match="Unregister"):
        regions.register("one more", key, 0, 1)
    regions.unregister()
    assert regions.status() == []


def test_a_request_brings_no_more_in_shared_memory_than_in_its_body(tmp_path: Path, key: str) -> None:
    regions = Regions(tmp_path, 1, max_bytes=40)
    regions.register("a", key, 0, SIZE)
    inside = {"shared_memory_region": "a", "shared_memory_byte_size": 16}
    tensors = [{"name": name, "shape": [4], "datatype": "FP32", "parameters": inside} for name in "xyz"]
    assert decode_request(orjson.dumps({"inputs": tensors[:2]}), None, regions).inputs["y"].shape == (4,)
    with pytest.raises(TooLarge):
        decode_request(orjson.dumps({"inputs": tensors}), None, regions)
    with pytest.raises(TooLarge):
        regions.read("a", 0, 41)


JSON = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
NUMBERS = st.sampled_from([0, 1, 4, 8, 16, 64, -1, 2**62]) | JSON
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "shared_memory_region": st.sampled_from(["a", "b", ""]) | JSON,
        "shared_memory_offset": NUMBERS,
        "shared_memory_byte_size": NUMBERS,
        "classification": NUMBERS,
        "binary_data": JSON,
        "binary_data_size": NUMBERS,
    },
)


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(of_input=PARAMETERS, of_output=PARAMETERS)
def test_whatever_the_parameters_are_the_answer_is_one_or_an_error(
    tmp_path: Path, key: str, of_input: dict[str, Any], of_output: dict[str, Any]
) -> None:
    regions = Regions(tmp_path, 1, max_bytes=1000)
    if not regions.status():
        regions.register("a", key, 0, SIZE)
    x = {"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2], "parameters": of_input}
    body = orjson.dumps({"inputs": [x], "outputs": [{"name": "y", "parameters": of_output}]})
    try:
        request = decode_request(body, None, regions)
        encode_response("m", "1", {"y": request.inputs["x"]}, request)
    except ModelDeployError as error:
        if error.status >= 500:
            raise


def test_classes_of_rows_are_ordered_by_value() -> None:
    rows = classified(np.array([[1, 3, 2], [5, 5, 9]], np.int8), 2, {1: "one"})
    assert rows.tolist() == [[b"3.000000:1:one", b"2.000000:2"], [b"9.000000:2", b"5.000000:0"]]
    assert classified(np.array([1.5], np.float16), 5, {}).tolist() == [b"1.500000:0"]
    assert classified(np.zeros((0, 3), np.float32), 2, {}).shape == (0, 2)
    assert classified(np.array([2**64 - 1, 0], np.uint64), 1, {}).tolist() == [b"18446744073709551616.000000:0"]


def test_strings_have_no_classes() -> None:
    with pytest.raises(InvalidInput):
        classified(np.array([b"a"], dtype=np.object_), 1, {})
