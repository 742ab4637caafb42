"""Requests as nobody should send them, generated: the same ones at each run, so that a failure is found again."""

from __future__ import annotations

import gzip
import json
import os
import struct
import zlib
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from pictures import file, form, picture, text

DATATYPES = ["BOOL", "UINT8", "UINT64", "INT8", "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES"]
REGION = "known"
"""A region of shared memory that the tests register, of `REGION_BYTES` bytes."""
REGION_BYTES = 64


def examples(count: int) -> settings:
    """So many requests where there is time for all (`make generated`), a third of them else."""
    return settings(
        max_examples=count if os.environ.get("ALL_GENERATED") else count // 3,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def sometimes(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """An object of some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def encoded(content: Any) -> bytes:
    return json.dumps(content).encode()


# JSON

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
SIZES = st.one_of(st.integers(0, 5), st.sampled_from([-1, 2**31, 2**63, 2**64, True, 1.0, "4", None]))
SHAPES = st.one_of(
    st.lists(st.integers(0, 6), max_size=4),
    st.lists(SIZES, max_size=4),
    st.just([1] * 40),
    st.sampled_from([[2**62, 4], [0, 2**62], [2**62, 0], [2**31, 0, 2**31], [65536, 65536, 65536]]),
    ANYTHING,
)
NAMES = st.one_of(st.sampled_from(["x", "y", "input_ids", "attention_mask", ""]), st.text(max_size=10), LEAVES)
NUMBERS = st.lists(st.one_of(st.integers(-3, 300), st.floats(-10, 10), LEAVES), max_size=8)
PLACES = sometimes(
    {
        "shared_memory_region": st.one_of(st.just(REGION), st.text(max_size=5)),
        "shared_memory_byte_size": st.one_of(st.sampled_from([8, 16, REGION_BYTES, REGION_BYTES + 1]), SIZES),
        "shared_memory_offset": SIZES,
    }
)
PARAMETERS = st.one_of(
    sometimes(
        {
            "binary_data_size": SIZES,
            "binary_data": LEAVES,
            "binary_data_output": LEAVES,
            "classification": SIZES,
            "timeout": SIZES,
            "priority": SIZES,
            "sequence_id": SIZES,
        }
    ),
    PLACES,
)
TENSORS = sometimes(
    {
        "name": NAMES,
        "shape": SHAPES,
        "datatype": st.one_of(st.sampled_from(DATATYPES), LEAVES),
        "data": st.one_of(NUMBERS, st.lists(NUMBERS, max_size=3), ANYTHING),
        "parameters": st.one_of(PARAMETERS, ANYTHING),
    }
)
REQUESTS = sometimes(
    {
        "id": st.one_of(LEAVES, st.just("i" * 5000)),
        "inputs": st.one_of(st.lists(TENSORS, max_size=3), ANYTHING),
        "outputs": st.one_of(st.lists(sometimes({"name": NAMES, "parameters": PARAMETERS}), max_size=3), ANYTHING),
        "parameters": st.one_of(PARAMETERS, ANYTHING),
    }
)
BROKEN = [
    b"",
    b"[" * 5000,
    b'{"inputs": [{"data": [NaN]}]}',
    b'{"a":' * 2000,
    b'"\\ud800"',
    b"1e999",
    b"\xef\xbb\xbf{}",
]
BODIES = st.one_of(REQUESTS.map(encoded), ANYTHING.map(encoded), st.binary(max_size=200), st.sampled_from(BROKEN))

# Headers

HEADERS = sometimes(
    {
        "Inference-Header-Content-Length": st.sampled_from(["0", "5", "-1", "1e3", "99999999999999999999", "", "\xff"]),
        "Content-Type": st.sampled_from(["application/json", "text/plain", "image/png", "multipart/form-data", "x/y;"]),
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "identity", "gzip, gzip", ""]),
        "Accept-Encoding": st.sampled_from(["gzip", "deflate;q=0", "*", "gzip;q=x", "\xff"]),
        "Accept": st.sampled_from(["text/html", "application/openmetrics-text;version=x", "*/*;q=\xff", ""]),
        "Host": st.sampled_from(["[", "[::1", "a b", "\xff", "", "x" * 3000, "127.0.0.1:99999"]),
        "Origin": st.sampled_from(["null", "http://elsewhere.example", "\xff", ""]),
        "X-Unit-Id": st.sampled_from(["", "\xff\xfe", "u" * 3000]),
        "X-Request-Priority": st.sampled_from(["-1", "0", "1", "99999999999", "inf", "nan", "high"]),
        "X-Request-Timeout-Ms": st.sampled_from(["0", "-5", "1", "inf", "nan", "1e400", "1_0", "soon"]),
        "X-Request-Id": st.sampled_from(["", "i" * 3000, "a\tb", "\xe9"]),
        "X-Forwarded-For": st.just("10.0.0.1"),
        "Range": st.just("bytes=0-1"),
    }
).map(lambda headers: list(headers.items()))
TWICE = st.lists(HEADERS, min_size=1, max_size=2).map(lambda parts: [header for part in parts for header in part])
"""Headers of which some come twice."""


def compressed(body: bytes, how: str, cut: int) -> bytes:
    """The body as that encoding, or as what is called so; `cut` bytes are missing at the end."""
    made = {"gzip": gzip.compress, "deflate": zlib.compress, "raw": lambda data: zlib.compress(data)[2:-4]}[how](body)
    return made[: len(made) - cut]


# Images

FILES = [
    file(picture((255, 0, 0))),
    file(picture((1, 2, 3, 4), mode="RGBA")),
    file(picture(1, mode="1")),
    file(picture(9, mode="P"), transparency=0),
    file(picture(40_000, mode="I;16")),
    file(picture((255, 0, 0)), "JPEG"),
    file(picture((0, 1, 2, 3), mode="CMYK"), "JPEG"),
    file(picture((255, 0, 0)), "WEBP"),
    file(picture((255, 0, 0)), "GIF"),
    file(picture((255, 0, 0)), "BMP"),
]


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says that it is so large, and has a few pixels."""
    head = b"IHDR" + struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100))
    chunks = [
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in (head, data, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@st.composite
def images(draw: st.DrawFn) -> bytes:
    """Files that are whole, cut, damaged, or that claim another size."""
    if draw(st.integers(0, 5)) == 0:
        sides = st.sampled_from([0, 1, 15, 99, 65535, 2**31 - 1, 2**32 - 1])
        return png_of_size(draw(sides), draw(sides))
    content = bytearray(draw(st.sampled_from(FILES)))
    for place in draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.sampled_from([len(content)] * 3 + [0, 8, 20, len(content) // 2, len(content) - 3]))])


@st.composite
def bodies_of_images(draw: st.DrawFn) -> bytes:
    """A file alone, a form of a few files or of many, with or without its boundaries, or JSON."""
    files = draw(st.lists(images(), max_size=3))
    if draw(st.integers(0, 9)) == 0:
        files = [FILES[0]] * draw(st.sampled_from([64, 65, 500]))
    how = draw(st.sampled_from(["file", "form", "broken form", "json"]))
    if how == "json":
        key = draw(st.sampled_from(["image", "images", "inputs"]))
        return encoded({key: [text(one) for one in files] if key == "images" else text(b"".join(files))})
    if how == "file":
        return b"".join(files)
    whole = form(*files)
    if how == "form":
        return whole
    boundary = draw(st.sampled_from([b"", b"--", b"--" + b"x" * 100, b"--\r\n", b"xyz"]))
    return whole.replace(b"--xyz", boundary, draw(st.integers(1, 4)))
