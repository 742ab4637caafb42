"""Models are found on a hub by words, author, library and task."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hub import Fault, Hub, serving

from jupyter_modeldeploy.errors import InvalidInput, RateLimited, Unavailable
from jupyter_modeldeploy.records import FoundModel
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources.hubs.huggingface import HuggingFaceSource


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        for index, name in enumerate(("org/tiny-bert", "org/tiny-t5", "other/tiny-bert", "other/large-bert")):
            one = running.repositories[name]
            one.task, one.library, one.downloads = "fill-mask", "transformers" if index else "onnx", index
        yield running


def found(query: str, task: str | None = None, sort: str = "downloads", limit: int = 10) -> list[str]:
    return [one.source for one in HuggingFaceSource(Settings()).search(query, task, sort, limit)]


@pytest.mark.parametrize(
    ("query", "sources"),
    [
        ("tiny bert", ["hf:other/tiny-bert", "hf:org/tiny-bert"]),
        ("bert author:other", ["hf:other/large-bert", "hf:other/tiny-bert"]),
        ("library:onnx", ["hf:org/tiny-bert"]),
        ("nothing-like-it", []),
    ],
)
def test_words_authors_and_libraries_are_looked_for(query: str, sources: list[str], hub: Hub) -> None:
    assert found(query) == sources


def test_a_result_tells_what_there_is_to_know(hub: Hub) -> None:
    one = hub.repositories["org/gated"]
    one.task, one.tags, one.downloads, one.likes = "text-generation", ["license:mit", "en"], 7, 3
    one.gated, one.token, one.updated = True, "hf_granted", "2026-02-03T04:05:06.000Z"
    assert HuggingFaceSource(Settings()).search("gated", "text-generation", "relevance", 5) == [
        FoundModel(
            source="hf:org/gated",
            task="text-generation",
            license="mit",
            downloads=7,
            likes=3,
            gated=True,
            updated_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        )
    ]


def test_no_more_than_wanted_come_over_several_pages(hub: Hub) -> None:
    hub.page = 2
    assert len(found("", limit=3)) == 3
    assert len(found("", limit=50)) == 4


def test_an_unknown_order_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="relevance, downloads, likes, updated, trending"):
        found("bert", sort="size")


def test_a_hub_that_cannot_be_asked_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.api_faults = [Fault(status=429, retry_after=90)]
    with pytest.raises(RateLimited, match="Try again in 90 s"):
        found("bert")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Unavailable, match="offline"):
        found("bert")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be asked"):
        found("bert")
