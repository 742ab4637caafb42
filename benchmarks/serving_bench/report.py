"""What a run found, as a table and a line per target."""

from __future__ import annotations

from typing import Any

from serving_bench.results import Results
from serving_bench.targets import TARGETS, Target

COLUMNS = {
    "requests_per_s": ("requests/s", ",.0f"),
    "cpu_us": ("CPU µs", ",.1f"),
    "p50_ms": ("p50 ms", ",.2f"),
    "p99_ms": ("p99 ms", ",.2f"),
}
WIDTH = 12


def show(results: Results) -> None:
    loads = [row for row in results.samples.rows() if "requests_per_s" in row]
    for cell in dict.fromkeys(row["cell"] for row in loads):
        rows = [row for row in loads if row["cell"] == cell]
        heads = "".join(f"{head:>{WIDTH}}" for head, _ in COLUMNS.values())
        print(f"\n{cell:26}{heads}{'spread':>{WIDTH}}")
        for row in sorted(rows, key=lambda row: -float(row["requests_per_s"])):
            print(f"  {row['server']:24}{_columns(row)}{_spread(row):>{WIDTH}}")
    for row in results.samples.rows():
        if "requests_per_s" not in row:
            values = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, float))
            print(f"{row['cell']:26}{row['server']:24}{values}")
    for server, reason in results.samples.unavailable.items():
        print(f"Not measured: {server}: {reason}")
    print()
    for target in TARGETS:
        print(f"{target.figure:32}{target.wanted:>9}  {_verdict(results, target)}")


def _columns(row: dict[str, Any]) -> str:
    texts = [format(row[name], pattern) if name in row else "" for name, (_, pattern) in COLUMNS.items()]
    return "".join(f"{text:>{WIDTH}}" for text in texts)


def _spread(row: dict[str, Any]) -> str:
    return f"± {row['spread'].get('requests_per_s', 0.0) / 2:.1%}"


def _verdict(results: Results, target: Target) -> str:
    value = results.figure(target)
    if value is not None:
        return f"{value:8.4g}  {'met' if target.holds(value) else 'NOT MET'}"
    reason = results.reason(target)
    return f"cannot be had here: {reason}" if reason else "not measured in this run"
