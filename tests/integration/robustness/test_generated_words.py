"""Thousands of bad requests in the words of a task, `/predict` and V1: texts, lists, images and forms of them."""

from __future__ import annotations

import pytest
from bad_requests import ANYTHING, BODIES, HEADERS, LEAVES, TWICE, bodies_of_images, encoded, examples, sometimes
from hypothesis import given
from hypothesis import strategies as st
from pictures import file, form, picture

MODELS = ["adder", "adder/versions/1", "texts", "embed", "slow", "pictures", "bf16", "bytes"]
WORDS = sometimes({"text": ANYTHING, "texts": ANYTHING, "inputs": ANYTHING, "image": LEAVES, "images": ANYTHING})
V1 = sometimes(
    {
        "instances": st.one_of(ANYTHING, st.lists(st.one_of(ANYTHING, WORDS), max_size=3)),
        "inputs": st.one_of(ANYTHING, WORDS),
        "signature_name": LEAVES,
    }
)


@examples(1500)
@given(
    route=st.sampled_from(["/predict", *(f"/predict/{model}" for model in MODELS)]),
    body=st.one_of(BODIES, WORDS.map(encoded)),
    headers=HEADERS,
)
def test_requests_in_the_tasks_words(caller, route: str, body: bytes, headers: list[tuple[str, str]]) -> None:
    caller.ask("POST", route, body, headers)


@examples(1000)
@given(model=st.sampled_from(MODELS), body=st.one_of(BODIES, V1.map(encoded)), headers=TWICE)
def test_requests_in_v1(caller, model: str, body: bytes, headers: list[tuple[str, str]]) -> None:
    caller.ask("POST", f"/v1/models/{model}:predict", body, headers)


@examples(700)
@given(route=st.sampled_from(["/predict/pictures", "/v1/models/pictures:predict"]), body=bodies_of_images())
def test_images(caller, route: str, body: bytes) -> None:
    caller.ask("POST", route, body)


@pytest.mark.parametrize(("count", "expected"), [(64, 200), (65, 400), (2000, 400)])
def test_forms_of_many_images(caller, count: int, expected: int) -> None:
    assert caller.ask("POST", "/predict/pictures", form(*[file(picture((255, 0, 0)))] * count)) == expected


def test_a_small_file_of_a_huge_image_is_refused_undecoded(caller) -> None:
    content = file(picture(0, size=(20_000, 20_000), mode="1"))
    assert len(content) < 2**20
    assert caller.ask("POST", "/predict/pictures", content) == 413
