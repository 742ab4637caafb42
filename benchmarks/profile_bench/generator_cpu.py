"""What the generator costs at 20,000 requests a second, beside what the service costs that answers them."""

from __future__ import annotations

from typing import Any

from serving_bench.shapes import TINY

from jupyter_modeldeploy.profiling.load import Body, Length, Plan, Step, measure
from jupyter_modeldeploy.progress import Silent
from profile_bench import service

RATE, SECONDS, CONNECTIONS = 20_000.0, 10.0, 64


def run() -> dict[str, Any]:
    """Processor seconds (user and system) of the generator over those of all processes of the service."""
    length = Length(SECONDS, 0.0, SECONDS / 10, percentile=99, tolerance=0.1, to_the_end=True)
    step = Step(length, rate=RATE, arrivals="constant", connections=CONNECTIONS)
    with service.running() as measured:
        headers = {"Authorization": f"Bearer {measured.token}"}
        plan = Plan(measured.url, [Body(TINY.json.read_bytes(), {})], [step], headers)
        before = measured.cpu_s()
        (found,) = measure(plan, Silent())
        served_s = measured.cpu_s() - before
    ours_s = found.generator.cpu_share * found.seconds
    print(
        f"{found.throughput_rps:,.0f} requests/s: {1e6 * ours_s / found.requests:.1f} µs a request in the generator, "
        f"{1e6 * served_s / found.requests:.1f} in the service"
    )
    return {
        "generator_cpu_vs_server": ours_s / served_s,
        "generator_cpu": {
            "requests_per_s": found.throughput_rps,
            "asked_per_s": RATE,
            "generator_s": ours_s,
            "service_s": served_s,
            "failed": found.failed,
            "generator": found.generator.model_dump(),
        },
    }
