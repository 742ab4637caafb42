"""Each replica's counts are seen from every replica, in Prometheus' text format."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from jupyter_modeldeploy.serving.metrics import BUCKETS_S, Histogram, Metrics


def samples(text: bytes) -> dict[tuple[str, str, str], float]:
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, sample.labels.get("replica", ""), sample.labels.get("le", sample.labels.get("status", ""))): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def test_any_replica_shows_the_counts_of_all(tmp_path: Path) -> None:
    first, second = Metrics(tmp_path, 0), Metrics(tmp_path, 1)
    first.version("m", "1").answered(200, 0.002)
    second.version("m", "1").answered(200, 0.002)
    second.version("m", "1").answered(400, 0.2)
    second.flush()
    found = samples(first.render())
    assert found[("modeldeploy_requests_total", "0", "200")] == 1
    assert found[("modeldeploy_requests_total", "1", "200")] == 1
    assert found[("modeldeploy_requests_total", "1", "400")] == 1
    assert found[("modeldeploy_request_duration_seconds_count", "1", "")] == 2


def test_a_gauge_is_read_at_the_scrape(tmp_path: Path) -> None:
    metrics, waiting = Metrics(tmp_path, 0), [1, 2]
    metrics.gauge("queue_depth", lambda: len(waiting))
    assert samples(metrics.render())[("modeldeploy_queue_depth", "0", "")] == 2
    waiting.clear()
    assert samples(metrics.render())[("modeldeploy_queue_depth", "0", "")] == 0


def test_buckets_count_what_is_at_or_below_their_bound() -> None:
    histogram = Histogram(BUCKETS_S)
    for value in (BUCKETS_S[0], BUCKETS_S[0] * 1.01, 1e9):
        histogram.observe(value)
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (1, 1, 1)


def test_counts_that_did_not_change_are_not_written_again(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, 0)
    metrics.version("m", "1").answered(200, 0.1)
    metrics.flush()
    (tmp_path / "0.json").unlink()
    metrics.flush()
    assert not (tmp_path / "0.json").exists()
