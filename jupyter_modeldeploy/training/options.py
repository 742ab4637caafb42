"""What a fine-tuning can be told, and what it gives back. Imports no torch: forms and OpenAPI read it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from jupyter_modeldeploy.records import Record


class FinetuneOptions(BaseModel):
    """How to fine-tune a text classifier. The defaults are tuned for small encoders (MiniLM, DistilBERT size)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: float = Field(default=1.0, gt=0, le=1000, description="passes over the training rows")
    max_steps: int | None = Field(
        default=None, ge=1, le=10_000_000, description="stop after this many optimizer steps, whatever `epochs` says"
    )
    batch_size: int = Field(default=32, ge=1, le=4096, description="rows per optimizer step")
    learning_rate: float = Field(
        default=1e-4, gt=0, le=1, allow_inf_nan=False, description="peak learning rate of the encoder (AdamW)"
    )
    head_learning_rate: float = Field(
        default=1e-3, gt=0, le=1, allow_inf_nan=False, description="peak learning rate of the new classification head"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, le=1, allow_inf_nan=False, description="decoupled weight decay (not on biases and norms)"
    )
    warmup_ratio: float = Field(
        default=0.1, ge=0, lt=1, description="share of the steps in which the learning rate rises; then it falls to 0"
    )
    max_length: int = Field(default=128, ge=4, le=8192, description="tokens per text; longer texts are cut")
    seed: int = Field(default=0, ge=0, lt=2**32, description="seed of the head, the order of the rows and dropout")
    checkpoint_every: int = Field(
        default=50, ge=1, description="optimizer steps between checkpoints, from which a stopped training goes on"
    )
    train_rows: int | None = Field(default=None, ge=1, description="use only this many training rows")


class Score(Record):
    """Right answers among the held-out rows."""

    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.total


class FinetuneResult(Record):
    """`before` is the base with its fresh head, `after` the fine-tuned model, on the same held-out rows.
    `seconds` and `loss` (mean over the last logged steps) are of this attempt, which began at step `resumed_from`."""

    before: Score
    after: Score
    steps: int
    resumed_from: int
    loss: float | None
    seconds: float

    @property
    def metrics(self) -> dict[str, float]:
        """The figures that a version keeps: `accuracy_before`, `accuracy` (0 to 1)."""
        return {"accuracy_before": self.before.accuracy, "accuracy": self.after.accuracy}
