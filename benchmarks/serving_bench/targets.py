"""The figures that others ask for by name, each with the target that it is held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from serving_bench.cells import LIMIT
from serving_bench.ours import NAME as OURS
from serving_bench.samples import Samples

TRITONS = ("triton", "triton-batching")
PEERS = ("fastapi", "mlserver", "kserve", "litserve", "bentoml", "ray", *TRITONS)


@dataclass(frozen=True)
class Target:
    """`holds` says whether a figure is good enough, `wanted` says it in words. A comparison is with the best of
    `peers`."""

    figure: str
    part: str
    value: Callable[[Samples], float | None]
    holds: Callable[[float], bool]
    wanted: str
    peers: tuple[str, ...] = ()

    @property
    def shape(self) -> str:
        """The name of the model."""
        return self.part if self.part in ("minilm", "resnet") else "tiny"


def _median(cell: str, quantity: str, server: str = OURS) -> Callable[[Samples], float | None]:
    return lambda samples: samples.median(cell, server, quantity)


def _ratio(
    cell: str, others: tuple[str, ...], quantity: str = "requests_per_s", best: Callable[..., float] = max
) -> Callable[[Samples], float | None]:
    return lambda samples: samples.ratio(cell, OURS, list(others), quantity, best)


def at_least(least: float) -> Callable[[float], bool]:
    return lambda value: value >= least


def at_most(most: float) -> Callable[[float], bool]:
    return lambda value: value <= most


def below(most: float) -> Callable[[float], bool]:
    return lambda value: value < most


def _rate(figure: str, part: str, cell: str, others: tuple[str, ...], least: float) -> Target:
    peers = () if others == (LIMIT,) else others
    return Target(figure, part, _ratio(cell, others), at_least(least), f"≥ {least:g}", peers)


TARGETS = (
    Target("tiny_json_c16_cpu_us", "tiny", _median("tiny_json_c16", "cpu_us"), at_most(34), "≤ 34"),
    _rate("tiny_json_c16_vs_fastapi", "tiny", "tiny_json_c16", ("fastapi",), 3),
    _rate("tiny_json_c16_vs_mlserver", "tiny", "tiny_json_c16", ("mlserver",), 9),
    _rate("tiny_json_c16_vs_triton", "tiny", "tiny_json_c16", TRITONS, 2),
    Target(
        "tiny_json_c1_p50_vs_best_peer", "tiny", _ratio("tiny_json_c1", PEERS, "p50_ms", min), at_most(1), "≤ 1", PEERS
    ),
    _rate("minilm_json_c16_vs_limit", "minilm", "minilm_json_c16", (LIMIT,), 0.97),
    _rate("minilm_json_c16_vs_best_peer", "minilm", "minilm_json_c16", PEERS, 1),
    _rate("resnet_bin_c4_vs_limit", "resnet", "resnet_binary_c4", (LIMIT,), 0.94),
    _rate("tiny_grpc_c16_vs_mlserver", "grpc", "tiny_grpc_c16", ("mlserver",), 1.4),
    _rate("tiny_grpc_c16_vs_kserve", "grpc", "tiny_grpc_c16", ("kserve",), 1.4),
    Target("ready_s", "ready", _median("minilm-int8_ready", "ready_s"), at_most(2), "≤ 2"),
    Target("idle_memory_vs_best_peer", "memory", _ratio("tiny_memory", PEERS, "idle_mb", min), below(1), "< 1", PEERS),
    Target("two_replicas_tiny", "replicas", _median("two_replicas", "times_one"), at_least(1.4), "≥ 1.4"),
    Target("soak_memory_growth", "soak", _median("soak", "growth"), below(0.05), "< 0.05"),
)
PARTS = tuple(dict.fromkeys(target.part for target in TARGETS))
