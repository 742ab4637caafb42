"""What a fine-tuning can be told, and what it gives back. Imports no torch: forms and OpenAPI read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jupyter_modeldeploy.records import EvaluationReport, Record

Method = Literal["full", "head", "lora"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Augmentation = Literal["none", "light", "medium", "strong"]
Log = Literal["tensorboard", "mlflow"]
BY_TASK = "; by default what suits the task"
TEXT = ["text-classification", "token-classification"]
IMAGES = ["image-classification", "object-detection"]
CLASSIFICATION = [*TEXT, "image-classification"]
LORA = [*CLASSIFICATION, "text-generation"]


def of(tasks: Sequence[str], *methods: Method) -> dict[str, Any]:
    """What an option's JSON Schema says of when it means something: for datasets of these tasks, and where the method
    is one of these. An option that says nothing means something always."""
    return {"x-tasks": list(tasks), **({"x-methods": list(methods)} if methods else {})}


class FinetuneOptions(BaseModel):
    """How to fine-tune. What is None by default is chosen by the task's trainer; the result tells what it took.

    The defaults are tuned for small models (MiniLM, DistilBERT, ViT-tiny size)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method | None = Field(
        default=None, description=f"train all weights, the new head alone, or low-rank adapters (LoRA){BY_TASK}"
    )
    epochs: float | None = Field(
        default=None, gt=0, le=1000, description=f"passes over the training rows{BY_TASK}: mostly 1"
    )
    max_steps: int | None = Field(
        default=None, ge=1, le=10_000_000, description="stop after this many optimizer steps, whatever `epochs` says"
    )
    batch_size: int | None = Field(
        default=None, ge=1, le=4096, description=f"rows per optimizer step{BY_TASK}: 32 for text"
    )
    gradient_accumulation: int = Field(
        default=1, ge=1, le=4096, description="parts that a batch is computed in: less memory, the same result"
    )
    find_batch_size: bool = Field(
        default=True, description="compute a batch in more parts where memory does not suffice, instead of failing"
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description=f"peak learning rate (AdamW){BY_TASK} and the method: 1e-4 for all weights of a text encoder",
    )
    head_learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="classification: peak learning rate of the new head; ten times the other by default",
        json_schema_extra=of([*CLASSIFICATION, "object-detection"]),
    )
    find_learning_rate: bool = Field(
        default=False, description="find the learning rate by a range test of some steps before the training"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, le=1, allow_inf_nan=False, description="decoupled weight decay (not on biases and norms)"
    )
    warmup_ratio: float = Field(
        default=0.1, ge=0, lt=1, description="share of the steps in which the learning rate rises; then it falls to 0"
    )
    precision: Precision = Field(
        default="auto", description="of the computation; auto is the fastest that was measured here to be of use"
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="classification: let the rows of rare classes weigh more",
        json_schema_extra=of(CLASSIFICATION),
    )
    lora_rank: int = Field(
        default=8, ge=1, le=1024, description="LoRA: rank of the adapters", json_schema_extra=of(LORA, "lora")
    )
    lora_alpha: float = Field(
        default=16.0,
        gt=0,
        le=4096,
        allow_inf_nan=False,
        description="LoRA: scale of the adapters, divided by the rank",
        json_schema_extra=of(LORA, "lora"),
    )
    lora_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="LoRA: dropout before the adapters", json_schema_extra=of(LORA, "lora")
    )
    merge_adapter: bool = Field(
        default=True,
        description="LoRA: add the adapters to the weights; else the version holds them alone, for peft",
        json_schema_extra=of(LORA, "lora"),
    )
    quantize_base: Literal["4bit"] | None = Field(
        default=None,
        description="LoRA: hold the base's weights in 4 bits (QLoRA); needs a CUDA device and bitsandbytes",
        json_schema_extra=of(["text-generation"], "lora"),
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="compute activations twice instead of keeping them: less memory, slower",
        json_schema_extra=of(LORA),
    )
    validation_share: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="share of the training rows that is set aside where the training is evaluated as it goes and the "
        "dataset has no validation rows",
    )
    evaluate_every: int | None = Field(
        default=None, ge=1, description="optimizer steps between evaluations on validation rows; else after each epoch"
    )
    evaluations: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="evaluations on validation rows, spread evenly over the training, the last at its end; in place of "
        "evaluate_every",
    )
    early_stopping_patience: int | None = Field(
        default=None, ge=1, description="stop after so many evaluations without a lower loss; the best weights are kept"
    )
    max_length: int = Field(
        default=128,
        ge=4,
        le=8192,
        description="text: tokens per text; longer texts are cut",
        json_schema_extra=of(TEXT),
    )
    context_length: int | None = Field(
        default=None,
        ge=4,
        le=131072,
        description="text generation: tokens that are learnt from together; 512 by default",
        json_schema_extra=of(["text-generation"]),
    )
    image_size: int | None = Field(
        default=None,
        ge=16,
        le=4096,
        description="images: pixels a side; what the base was trained with by default",
        json_schema_extra=of(IMAGES),
    )
    augmentation: Augmentation | None = Field(
        default=None,
        description=f"images: how much they are varied as they are learnt from{BY_TASK}",
        json_schema_extra=of(IMAGES),
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="seed of the head, the order of the rows and dropout")
    deterministic: bool = Field(
        default=False, description="the same result to the last digit on the same machine; slower on a GPU"
    )
    checkpoint_every: int | None = Field(
        default=None,
        ge=1,
        description="optimizer steps between checkpoints, from which a stopped training goes on; else half a minute",
    )
    train_rows: int | None = Field(default=None, ge=1, description="use only this many training rows")
    sample_predictions: int = Field(
        default=0, ge=0, le=100, description="held-out rows whose predictions are logged with each evaluation"
    )
    log_to: list[Log] = Field(default_factory=list, description="also write the series for tensorboard or mlflow")
    processes: int = Field(
        default=1,
        ge=1,
        le=64,
        description="worker processes that share each batch and the cores of the CPU; the result is that of one",
    )

    @property
    def evaluated_as_it_goes(self) -> bool:
        """Whether validation rows are needed."""
        return bool(self.evaluate_every or self.evaluations or self.early_stopping_patience)


class FinetuneResult(Record):
    """What came out, on the held-out rows. `metrics` have their standard names (accuracy, f1_macro, map50, perplexity
    …; ratios from 0 to 1); `baseline` holds the same of the model before training. `loss` is the mean over the last
    logged steps. `seconds` are of this attempt, which began at step `resumed_from`. `options` are those that were used:
    what None left to the task or to a trial is filled in. `batch_size` is the rows that were computed at a time."""

    metrics: dict[str, float]
    baseline: dict[str, float]
    evaluation: EvaluationReport | None = None
    steps: int
    resumed_from: int
    loss: float | None
    seconds: float
    batch_size: int
    precision: Literal["fp32", "bf16", "fp16"]
    options: FinetuneOptions

    @property
    def version_metrics(self) -> dict[str, float]:
        """The figures that a version keeps: `accuracy` …, and of the model before training `accuracy_before` …"""
        return {**{f"{name}_before": value for name, value in self.baseline.items()}, **self.metrics}
