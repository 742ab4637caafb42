"""How far what we measure is from the truth, and what measuring costs.

    python benchmarks/profiling.py [stall wrk perf_analyzer generator_cpu operators memory overhead advice report]

Each part prints what it finds and puts its figures into `benchmarks/results/profile.json`, beside those of the others.
`wrk` needs the Debian packages wrk and nghttp2-client, `perf_analyzer` libb64-0d. Run it on a machine that does
nothing else.

(The standard library has a module `profile`, which this file must not hide from the other benchmarks.)"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

HERE = Path(__file__).parent
RESULT = HERE / "results" / "profile.json"
PARTS = ("stall", "wrk", "perf_analyzer", "generator_cpu", "operators", "memory", "overhead", "advice", "report")
"""Modules of profile_bench, each with a `run` that gives figures by name."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the profiler says, and what it costs.")
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}")
    for name in parser.parse_args().parts:
        if name not in PARTS:
            parser.error(f"there is no part {name}: {', '.join(PARTS)}")
        found = importlib.import_module(f"profile_bench.{name}").run()
        known = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        RESULT.write_text(json.dumps({**known, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
