"""What the statistics of experiments promise, against simulation.

    python benchmarks/experiments.py [no_difference power guardrails collecting tampering live same_verdict routing]

Each part prints what it finds and puts its figures into `benchmarks/results/experiments.json`."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "experiments.json"
PARTS = ("no_difference", "power", "guardrails", "collecting", "tampering", "live", "same_verdict", "routing")
"""Modules of experiments_bench, each with a `run` that gives figures by name."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold the statistics of experiments against simulation.")
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}")
    for name in parser.parse_args().parts:
        if name not in PARTS:
            parser.error(f"there is no part {name}: {', '.join(PARTS)}")
        found = importlib.import_module(f"experiments_bench.{name}").run()
        known = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        RESULT.write_text(json.dumps({**known, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
