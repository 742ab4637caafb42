"""What a version's profile found, on the terminal: where the time goes, what it takes, how it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_modeldeploy.amounts import percent, size
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table
from jupyter_modeldeploy.records import Profile
from jupyter_modeldeploy.records.profiles import Grouping, Operator, grouped

if TYPE_CHECKING:
    from rich.table import Table

    from jupyter_modeldeploy.records import Latency

MOST = 20
HEADS: dict[Grouping, str] = {"type": "Type", "layer": "Layer", "operator": "Operator"}


def show(door: Door, profile: Profile, by: Grouping = "operator") -> None:
    door.out.print(operators_table(profile, by))
    _tell_of_run(door, profile)
    if profile.latency and profile.throughput:
        door.out.print()
        door.out.print(_latencies(profile.service or "the service", profile.latency, profile.throughput))
    door.out.print()
    _tell_of_memory(door, profile)


def operators_table(profile: Profile, by: Grouping) -> Table:
    head, rows = HEADS[by], grouped(profile.operators, by)
    more = f", {MOST} of {len(rows)}" if len(rows) > MOST else ""
    shown = table(
        head,
        *(["Type"] if by == "operator" else []),
        ">Share",
        ">Time (ms)",
        ">Calls",
        ">GFLOP/s",
        ">GB/s",
        ">Of limit",
        ">Writes",
        title=f"Where a run of {profile.version} spends its time{more}",
    )
    for row in rows[:MOST]:
        kind = [printable(row.type)] if by == "operator" else []
        name = " ".join(part for part in (row.layer, row.name) if part) if by == "operator" else row.name
        shown.add_row(printable(name), *kind, percent(row.share), f"{row.time_ms:.3f}", *_rates(row))
    return shown


def _rates(row: Operator) -> Sequence[str]:
    limit = "" if row.of_limit is None else f"{percent(row.of_limit)} {row.bound}"
    memory = "" if row.memory_bytes is None else size(row.memory_bytes)
    rates = ("" if each is None else f"{each:,.1f}" for each in (row.gflops, row.gb_per_s))
    return (f"{row.calls:g}", *rates, limit, memory)


def _tell_of_run(door: Door, profile: Profile) -> None:
    run, limits = profile.run, profile.limits
    if run is None:
        return
    threads = f"{run.threads} thread{'s' if run.threads > 1 else ''}"
    door.tell(
        f"A run takes {run.run_ms:.3g} ms on {threads} of {run.runtime}; the rows add up to "
        f"{run.sum_ms:.3g} ms ({percent(run.sum_error)} off). The profiler's own "
        f"{run.event_cost_us:.1f} µs an event is taken off."
    )
    if limits is not None:
        peaks = ", ".join(f"{speed:,.0f} GFLOP/s in {name}" for name, speed in limits.gflops.items())
        door.tell(f"This machine's limits: {peaks}, {limits.copies[-1].gb_per_s:,.1f} GB/s from memory.")


def _tell_of_memory(door: Door, profile: Profile) -> None:
    door.out.print(f"Peak memory: {size(profile.peak_memory_bytes)}")
    memory = profile.memory
    if memory is None:
        return
    parts = {
        "Python": memory.interpreter_bytes,
        "the runtime": memory.runtime_bytes,
        "weights": memory.weights_bytes,
        "activations": memory.activations_bytes,
    }
    door.tell(", ".join(f"{name} {size(max(0, taken))}" for name, taken in parts.items()))
    if leak := memory.leak:
        slope = leak.bytes_per_call
        verdict = "Memory grows with the calls" if leak.leaks else "No leak"
        door.tell(
            f"{verdict}: {slope.value:+,.0f} bytes a call over {leak.calls} calls (95 % interval {slope.low:+,.0f} to "
            f"{slope.high:+,.0f})"
        )


def _latencies(service: str, *measured: Latency) -> Table:
    title = f"Answers of {service} (ms)"
    rows = table(">Connections", ">p50", ">p90", ">p99", ">Mean", ">Requests/s", ">Errors", title=title)
    for latency in measured:
        times = [f"{time:.2f}" for time in (latency.p50, latency.p90, latency.p99, latency.mean)]
        rows.add_row(str(latency.concurrency), *times, f"{latency.throughput_rps:.1f}", str(latency.errors))
    return rows
