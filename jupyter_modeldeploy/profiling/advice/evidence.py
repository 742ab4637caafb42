"""What is known of a running service when advice is looked for: all of it measured, or read from its spec."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_modeldeploy.records.loads import Stage

FLOAT_TYPES = frozenset({"MatMul", "Gemm", "FusedMatMul", "FusedGemm", "Conv", "FusedConv", "Attention", "NhwcConv"})
"""Operators of FP32 weights that have a form for INT8."""
CONVOLUTIONS = frozenset({"Conv", "FusedConv", "NhwcConv"})


@dataclass(frozen=True)
class Layout:
    """How a service uses the processor, as its spec says; 0: it chooses itself."""

    replicas: int = 1
    instances: int = 0
    threads: int = 0
    max_batch_rows: int = 0

    def threads_in_all(self, cores: int) -> int:
        """Threads that may compute at once."""
        instances = self.instances or max(1, cores // (self.threads or 1))
        return self.replicas * instances * (self.threads or 1)


@dataclass(frozen=True)
class Preparation:
    """What comes before the model: milliseconds of a request, beside those of the run, measured on the bodies that were
    sent. The model sees no more than the first `enough` characters of a text, or as many pixels on a picture's shorter
    side: the share `needed` of all that was sent."""

    mean_ms: float
    run_ms: float
    needed: float
    enough: int
    of: str = "text"

    @property
    def share(self) -> float:
        whole = self.mean_ms + self.run_ms
        return self.mean_ms / whole if whole else 0.0


@dataclass(frozen=True)
class Evidence:
    """`concurrency` connections sent what was measured here. `operators` are shares of the model's run by type.
    `switches_per_s` counts the threads that were put off their core while they had work. `beside` are the versions of
    the service's other models."""

    service: str
    version: str
    format: str
    cores: int
    int8_dot: bool
    layout: Layout
    concurrency: int
    stages: list[Stage] = field(default_factory=list)
    operators: dict[str, float] = field(default_factory=dict)
    cores_busy: float = 0.0
    switches_per_s: float = 0.0
    preparation: Preparation | None = None
    beside: tuple[str, ...] = ()
    json_tensors: bool = False
    body_bytes: int = 0

    def share(self, *names: str) -> float:
        """Of a request's mean time, without what it waited for a connection in the generator."""
        parts = {stage.name: stage.mean_ms for stage in self.stages if stage.name != "generator"}
        whole = sum(parts.values())
        return sum(parts.get(name, 0.0) for name in names) / whole if whole else 0.0  # type: ignore[call-overload]

    @property
    def float_share(self) -> float:
        """Of the model's run, in operators of FP32 weights."""
        return sum(share for kind, share in self.operators.items() if kind in FLOAT_TYPES)

    @property
    def conv_share(self) -> float:
        return sum(share for kind, share in self.operators.items() if kind in CONVOLUTIONS)

    @property
    def idle_share(self) -> float:
        """Of the cores, while requests waited."""
        return max(0.0, 1 - self.cores_busy / self.cores)
