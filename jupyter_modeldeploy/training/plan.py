"""The options with everything decided that they left open."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.training.defaults import Defaults
from jupyter_modeldeploy.training.options import FinetuneOptions, Method

Computed = Literal["fp32", "bf16", "fp16"]
FEWER = "Choose fewer processes, or a larger batch_size."


@dataclass(frozen=True)
class Plan:
    """A batch of `batch_size` rows is shared by `processes`, each of which computes its share in `parts`."""

    options: FinetuneOptions
    method: Method
    epochs: float
    batch_size: int
    parts: int
    learning_rate: float
    head_learning_rate: float
    precision: Computed = "fp32"
    processes: int = 1

    @classmethod
    def of(cls, options: FinetuneOptions, defaults: Defaults, processes: int = 1) -> Plan:
        """The plan before any trial. Raises InvalidInput for a batch that cannot be divided as asked."""
        method = options.method or ("lora" if options.quantize_base else defaults.method)
        usual = defaults.lora_learning_rate if method == "lora" else defaults.learning_rate
        rate = options.learning_rate or usual
        batch_size = options.batch_size or defaults.batch_size
        if batch_size < processes:
            raise InvalidInput(f"A batch of {batch_size} rows is too small for {processes} processes.", FEWER)
        if (share := math.ceil(batch_size / processes)) % options.gradient_accumulation:
            whose = f" of each of {processes} processes" if processes > 1 else ""
            raise InvalidInput(
                f"A batch of {share} rows{whose} cannot be computed in {options.gradient_accumulation} equal parts.",
                "Choose a gradient_accumulation that divides batch_size, and the share of each process.",
            )
        return cls(
            options=options,
            method=method,
            epochs=options.epochs or defaults.epochs,
            batch_size=batch_size,
            parts=options.gradient_accumulation,
            learning_rate=rate,
            head_learning_rate=options.head_learning_rate or min(1.0, rate * head_factor(method, defaults)),
            processes=processes,
        )

    @property
    def share(self) -> int:
        """The rows of a batch that one process computes; where they do not divide it, some have one row less."""
        return math.ceil(self.batch_size / self.processes)

    @property
    def rows_at_a_time(self) -> int:
        return self.share // self.parts

    def in_more_parts(self) -> Plan | None:
        """The plan with the next smaller number of rows at a time that divides the share; None when it is one."""
        smaller = next((rows for rows in range(self.rows_at_a_time // 2, 0, -1) if self.share % rows == 0), None)
        return None if smaller is None else replace(self, parts=self.share // smaller)

    def scaled(self, factor: float) -> Plan:
        """The plan with both learning rates times `factor`."""
        return replace(
            self,
            learning_rate=self.learning_rate * factor,
            head_learning_rate=min(1.0, self.head_learning_rate * factor),
        )

    def as_options(self) -> FinetuneOptions:
        """Options that lead to this plan without a trial."""
        return self.options.model_copy(
            update={
                "method": self.method,
                "epochs": self.epochs,
                "batch_size": self.batch_size,
                "gradient_accumulation": self.parts,
                "learning_rate": self.learning_rate,
                "head_learning_rate": self.head_learning_rate,
                "find_learning_rate": False,
                "precision": self.precision,
            }
        )

    def facts(self) -> dict[str, Any]:
        """What trials decided, for a later attempt (`with_facts`)."""
        return {
            "parts": self.parts,
            "learning_rate": self.learning_rate,
            "head_learning_rate": self.head_learning_rate,
            "precision": self.precision,
        }

    def with_facts(self, facts: dict[str, Any]) -> Plan:
        return replace(self, **facts)


def head_factor(method: Method, defaults: Defaults) -> float:
    """Adapters begin at nothing, as the head does: they need no care."""
    return 1.0 if method == "lora" else defaults.head_factor
