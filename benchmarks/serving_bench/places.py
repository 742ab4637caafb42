"""Where things are."""

from __future__ import annotations

from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent
PEERS = BENCHMARKS / "peers"
BUILD = BENCHMARKS.parent / "build"
LOGS = BUILD / "benchmark-logs"
RESULT = BENCHMARKS / "results" / "serving.json"
