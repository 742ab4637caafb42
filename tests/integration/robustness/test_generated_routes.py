"""Thousands of bad requests to everything beside inference, by any method."""

from __future__ import annotations

from bad_requests import ANYTHING, BODIES, LEAVES, SIZES, TWICE, encoded, examples, sometimes
from hypothesis import given
from hypothesis import strategies as st

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]
REQUESTS = st.one_of(
    BODIES,
    sometimes(
        {
            "key": st.one_of(LEAVES, st.sampled_from(["/../../etc/passwd", "..", "a/b", "\0", "x" * 300, "/dev/null"])),
            "offset": SIZES,
            "byte_size": SIZES,
            "raw_handle": ANYTHING,
            "device_id": SIZES,
            "ready": LEAVES,
            "parameters": ANYTHING,
            "trace_level": ANYTHING,
            "log_verbose_level": SIZES,
        }
    ).map(encoded),
)
PATHS = [
    "/",
    "/docs",
    "/docs/../metrics",
    "/metrics?x=%zz",
    "/openapi.json",
    "/predict/nothing",
    "/v1/models",
    "/v1/models/adder",
    "/v1/models/adder:predict",
    "/v1/models/adder:explain",
    "/v2",
    "/v2/health/ready",
    "/v2/models/adder",
    "/v2/models/adder/infer",
    "/v2/models/adder/config",
    "/v2/models/adder/ready",
    "/v2/models/adder/stats",
    "/v2/models/adder/stream",
    "/v2/models/adder/trace/setting",
    "/v2/models/adder/versions/99/infer",
    "/v2/models/stats",
    "/v2/repository/index",
    "/v2/repository/models/nothing/load",
    "/v2/repository/models/nothing/unload",
    "/v2/systemsharedmemory/status",
    "/v2/systemsharedmemory/region/a/status",
    "/v2/systemsharedmemory/region/a/register",
    "/v2/systemsharedmemory/region/%ff%00/register",
    "/v2/systemsharedmemory/region/a/unregister",
    "/v2/cudasharedmemory/status",
    "/v2/cudasharedmemory/region/a/register",
    "/v2/trace/setting",
    "/v2/logging",
]
TARGETS = st.one_of(
    st.sampled_from(PATHS),
    st.builds(
        lambda path, rest: path + rest, st.sampled_from(PATHS), st.sampled_from(["/", "//", "?", "%2f", ";", "%"])
    ),
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map(lambda text: f"/{text}"),
)


@examples(1500)
@given(method=st.sampled_from(METHODS), target=TARGETS, body=REQUESTS, headers=TWICE)
def test_all_other_routes(caller, method: str, target: str, body: bytes, headers: list[tuple[str, str]]) -> None:
    caller.ask(method, target, body, headers)
