"""Every replica shows the counts of all, in Prometheus' formats, and as numbers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from jupyter_modeldeploy.serving.metrics import BUCKETS_S, OPENMETRICS_TYPE, Histogram, Metrics


def samples(text: bytes, families=text_string_to_metric_families) -> dict[tuple[str, str], float]:
    """Values by name and the label that tells most."""
    return {
        (
            sample.name,
            next((sample.labels[name] for name in ("le", "status", "replica") if name in sample.labels), ""),
        ): (sample.value)
        for family in families(text.decode())
        for sample in family.samples
    }


def busy(metrics: Metrics) -> Metrics:
    """Something of everything."""
    version = metrics.version("m", "1")
    version.ran_inline(1, 0.0002, 0.0003)
    version.ran(3, 0.02, [0.0, 0.001])
    version.answered(200, 0.02)
    version.answered(200, 0.021)
    version.answered(500, 0.5)
    version.count("rejections_total", reason="queue_full")
    version.count("cache_hits_total", source="memory")
    metrics.count("redis_errors_total")
    metrics.gauge("queue_depth", lambda: 2)
    return metrics


def test_any_replica_shows_the_sums_of_all(tmp_path: Path) -> None:
    first, second = Metrics(tmp_path, 0), Metrics(tmp_path, 1)
    first.version("m", "1").answered(200, 0.002)
    second.version("m", "1").answered(200, 0.002)
    second.version("m", "1").answered(400, 0.2)
    second.flush()
    for replica in (first, second):
        found = samples(replica.render())
        assert found[("modeldeploy_requests_total", "200")] == 2
        assert found[("modeldeploy_requests_total", "400")] == 1
        assert found[("modeldeploy_request_duration_seconds_count", "")] == 3


def test_the_counts_of_a_replica_that_is_gone_stay_and_its_files_go(tmp_path: Path) -> None:
    for _ in range(3):
        gone = busy(Metrics(tmp_path, 1))
        gone.flush()
        del gone
    left = Metrics(tmp_path, 0)
    for _ in range(2):
        found = samples(left.render())
        assert found[("modeldeploy_requests_total", "200")] == 9
        assert ("modeldeploy_queue_depth", "1") not in found
    assert left.totals("m", "1").batches[3].count == 3
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("1-")]) == 0


def test_a_gauge_is_read_at_the_scrape(tmp_path: Path) -> None:
    metrics, waiting = Metrics(tmp_path, 0), [1, 2]
    metrics.gauge("queue_depth", lambda: len(waiting))
    assert samples(metrics.render())[("modeldeploy_queue_depth", "0")] == 2
    waiting.clear()
    assert samples(metrics.render())[("modeldeploy_queue_depth", "0")] == 0


def test_buckets_count_what_is_at_or_below_their_bound() -> None:
    histogram = Histogram(BUCKETS_S)
    for value in (BUCKETS_S[0], BUCKETS_S[0] * 1.01, 1e9):
        histogram.observe(value)
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (1, 1, 1)


def test_counts_that_did_not_change_are_not_written_again(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, 0)
    metrics.version("m", "1").answered(200, 0.1)
    metrics.flush()
    [written] = tmp_path.glob("0-*.json")
    written.unlink()
    metrics.flush()
    assert not written.exists()


def test_counts_that_cannot_be_written_are_written_when_they_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics(tmp_path, 0)
    [lock] = tmp_path.glob("0-*.lock")
    (in_the_way := lock.with_suffix(".tmp")).mkdir()
    metrics.version("m", "1").answered(200, 0.1)
    for _ in range(3):
        metrics.flush()
    assert caplog.text.count("cannot be written") == 1
    in_the_way.rmdir()
    metrics.flush()
    assert lock.with_suffix(".json").exists()


@pytest.mark.parametrize("openmetrics", [False, True])
def test_promtool_finds_nothing_to_complain_of(tmp_path: Path, openmetrics: bool) -> None:
    text = busy(Metrics(tmp_path, 0)).render()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, timeout=120, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_openmetrics_tells_the_same_to_whoever_asks_for_it(tmp_path: Path) -> None:
    metrics = busy(Metrics(tmp_path, 0))
    body, kind = metrics.scraped(b"application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert kind == OPENMETRICS_TYPE
    strict, plain = samples(body, openmetrics_families), samples(metrics.scraped()[0])
    ignored = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
    assert {key: value for key, value in strict.items() if key[0] not in ignored} == {
        key: value for key, value in plain.items() if key[0] not in ignored
    }


def test_totals_tell_numbers_of_all_replicas(tmp_path: Path) -> None:
    other = busy(Metrics(tmp_path, 1))
    other.flush()
    totals = busy(Metrics(tmp_path, 0)).totals("m", "1")
    assert (totals.success.count, totals.failure.count) == (6, 2)
    assert (totals.success.nanoseconds, totals.failure.nanoseconds) == (82_600_000, 1_000_000_000)
    assert (totals.queue.count, totals.queue.nanoseconds) == (6, 2_000_000)
    assert (totals.compute.count, totals.compute.nanoseconds) == (6, 80_400_000)
    assert (totals.inferences, totals.executions) == (8, 4)
    assert (totals.batches[3].count, totals.batches[3].nanoseconds) == (2, 40_000_000)
    assert totals.cache_hit.count == 2
    assert totals.last_inference > 0


def test_no_client_can_make_many_series(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, 0).version("m", "1")
    for rows in range(1, 10_000):
        metrics.ran(rows, 0.1, [0.0])
    assert len(metrics.runs) < 140
    [rows] = [value[-1] for (name, _), value in metrics.samples() if name == "modeldeploy_batch_rows"]
    assert rows == sum(range(1, 10_000))
