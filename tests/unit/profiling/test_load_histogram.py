"""Durations in buckets: their error is bounded, runs merge, and the text is HdrHistogram's."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling.load import estimates
from jupyter_modeldeploy.profiling.load.histogram import Histogram

WRITTEN = "HISTFAAAACh4nJNpmSzMwMDAzgABzFCaEch0M9ixgMH+A0TgPD/T1s2MLAB4Xgaf"
"""1,000 once and 2,500,000 twice, as the Python library hdrhistogram 0.10 reads it."""


def of(*values: int) -> Histogram:
    made = Histogram()
    made.record(np.array(values, dtype=np.int64))
    return made


def test_percentiles_are_at_most_half_a_thousandth_off() -> None:
    values = np.random.default_rng(0).lognormal(14, 3, 100_000).astype(np.int64)
    made = of(*values.tolist())
    for percent in (0.1, 50, 90, 99, 99.9, 100):
        exact = np.sort(values)[max(0, int(np.ceil(values.size * percent / 100)) - 1)]
        assert made.percentile(percent) == pytest.approx(exact, rel=0.0005, abs=1)
    assert made.mean == pytest.approx(values.mean())


def test_two_runs_are_merged_after_they_were_saved() -> None:
    one, other = of(5, 70_000, 2_000_000), of(9_000_000_000, 70_000)
    merged = estimates.merged([Histogram.decode(each.encode()) for each in (one, other)])
    assert merged.count == 5
    assert merged.percentile(50) == pytest.approx(70_000, rel=0.0005)
    assert merged.highest == pytest.approx(9e9, rel=0.0005)


def test_the_text_is_hdrhistograms() -> None:
    assert of(1000, 2_500_000, 2_500_000).encode() == WRITTEN


def test_what_is_no_histogram_is_refused() -> None:
    for text in ("", "nonsense", "HISTFAAAABd42pNpmSz"):
        with pytest.raises(InvalidInput):
            Histogram.decode(text)


def test_a_closed_loop_is_charged_for_what_it_did_not_send() -> None:
    """99 answers of 1 ms and one of 100 ms: at one a millisecond there would have been 99 more during the stall."""
    naive = of(*[1_000_000] * 99, 100_000_000)
    corrected = naive.corrected(1_000_000)
    assert naive.percentile(95) == pytest.approx(1e6, rel=0.001)
    assert corrected.count == 198
    assert corrected.percentile(95) == pytest.approx(90e6, rel=0.02)


def test_a_percentile_that_the_answers_cannot_tell_is_none() -> None:
    assert estimates.percentile([of(*range(1, 51))], 99.9) is None


def test_the_interval_holds_the_percentile_and_knows_of_windows_that_differ() -> None:
    """Windows that each stand alone look exact by their counts; that they differ shows in the interval."""
    generator = np.random.default_rng(1)
    alike = [of(*(1e6 * generator.exponential(size=5000)).astype(int).tolist()) for _ in range(8)]
    differing = [of(*((1 + n) * 1e6 * generator.exponential(size=5000)).astype(int).tolist()) for n in range(8)]
    narrow, wide = (estimates.percentile(windows, 99) for windows in (alike, differing))
    assert narrow is not None
    assert wide is not None
    assert narrow.low < 1e6 * np.log(100) < narrow.high
    assert (wide.high - wide.low) / wide.value > 3 * (narrow.high - narrow.low) / narrow.value
