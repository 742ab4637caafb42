"""What is said of candidates: why they were ruled out, and why one is recommended."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.amounts import size
from jupyter_modeldeploy.optimize.searching.front import is_original, loss
from jupyter_modeldeploy.records.optimizations import Accuracy, Candidate, Optimization, Timing


def too_much_loss(judged: Accuracy, allowed: float, sure: bool, which: str = "rows that chose") -> str:
    told = f"{_difference(judged)} on {judged.rows} {which}; {_points(allowed)} may be lost"
    return f"{told}, for sure." if sure and judged.difference.value >= -allowed else f"{told}."


def outrun(one: Candidate, going: Sequence[Candidate], found: Optimization) -> str:
    names = ", ".join(each.name for each in going)
    return f"{_gain(one, found)}; {names} are ahead and went on."


def dominated(one: Candidate, other: Candidate, found: Optimization) -> str:
    return (
        f"{other.name} is no worse in anything: {_gain(other, found)} and {_points(max(0.0, loss(other)))} lost, "
        f"against {_gain(one, found)} and {_points(max(0.0, loss(one)))}."
    )


def no_gain(one: Candidate, found: Optimization) -> str:
    return f"{_gain(one, found)}: the original is no worse."


def why(found: Optimization, chosen: Candidate) -> str:
    """One or two sentences."""
    if is_original(chosen):
        return _why_original(found)
    chose, confirmed = chosen.validation, chosen.test
    assert chose is not None  # else it would not be chosen
    assert confirmed is not None
    told = (
        f"{chosen.name} {'takes' if found.target == 'memory' else 'answers' if found.target == 'throughput' else 'is'} "
        f"{_gain(chosen, found)}{_figures(chosen, found.original)}; "
        f"{_difference(chose)} on {chose.rows} rows that chose; {_difference(confirmed)} on {confirmed.rows} test rows"
        f", within the {_points(found.max_loss)} that may be lost."
    )
    reach = max(-judged.difference.low for judged in (chose, confirmed))
    if reach > found.max_loss:
        return f"{told} The intervals reach beyond: a loss of up to {_points(reach)} is not excluded."
    return told


def _why_original(found: Optimization) -> str:
    others = found.candidates[1:]
    lossy = [one for one in others if one.verdict == "too-much-loss"]
    worse = sum(one.verdict in ("dominated", "slower") for one in others)
    failed = sum(one.verdict == "failed" for one in others)
    late = sum(one.verdict == "no-time" for one in others)
    counts = [
        f"{len(lossy)} lose too much" if lossy else "",
        f"{worse} are no better" if worse else "",
        f"{failed} could not be made or run" if failed else "",
        f"{late} had no time" if late else "",
    ]
    told = ", ".join(filter(None, counts))
    return f"Nothing within the budget is better than the original: of {len(others)} candidates {told or 'none is'}."


def _gain(one: Candidate, found: Optimization) -> str:
    factor = found.gain(one)
    match found.target:
        case _ if not factor:
            return "not measured"
        case "latency":
            return f"{factor:.2f} times as fast as the original"
        case "throughput":
            return f"{factor:.2f} times as many rows a second as the original"
        case "size":
            return f"{factor:.2f} times smaller than the original" if factor >= 1 else f"{1 / factor:.2f} times larger"
    return f"{1 / factor:.0%} of the original's memory"


def _figures(chosen: Candidate, original: Candidate) -> str:
    timing, before = chosen.best, original.best
    sizes = ""
    if chosen.size_bytes and original.size_bytes:
        sizes = f", {size(chosen.size_bytes)} against {size(original.size_bytes)}"
    if not (timing and before):
        return sizes
    return (
        f" ({timing.p50_ms.median:.3g} ms a run of {_layout(timing)} "
        f"against {before.p50_ms.median:.3g} of {_layout(before)}{sizes})"
    )


def _layout(timing: Timing) -> str:
    layout = timing.layout
    threads = f"{layout.threads} thread{'s' * (layout.threads > 1)}"
    rows = f"a row on {threads}" if layout.batch == 1 else f"{layout.batch} rows on {threads}"
    return f"{rows}, {layout.instances} at once" if layout.instances > 1 else rows


def _difference(judged: Accuracy) -> str:
    each = judged.difference
    return (
        f"{judged.metric} {100 * each.value:+.2f} percentage points "
        f"({100 * each.level:.0f} % interval {100 * each.low:+.2f} to {100 * each.high:+.2f})"
    )


def _points(share: float) -> str:
    return f"{100 * share:.2f} points"
