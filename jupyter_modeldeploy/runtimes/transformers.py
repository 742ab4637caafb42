"""Checkpoints of transformers, run by torch as they are.

Only weights in safetensors are read and no code of the checkpoint is run (`trust_remote_code` is off)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.utils.logging import disable_progress_bar

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes import Tensors, timm_wrapper, torch_module
from jupyter_modeldeploy.signatures import Signature, TensorSpec

BATCH_BY_LENGTH = [-1, -1]
PRUNED = "pruning.json"
"""Beside the weights of a checkpoint that lacks channels that its configuration has."""

disable_progress_bar()  # type: ignore[no-untyped-call]  # it is no use in a log


class Encoder(torch.nn.Module):
    """A checkpoint as a function of its input tensors: int64[batch, length] each, in the order of `signature`.

    Gives float32 `logits` [batch, classes] for a classifier, else `last_hidden_state` [batch, length, hidden].
    `vocabulary` and `max_length` bound the ids and the number of tokens (None: unbounded)."""

    def __init__(self, model: PreTrainedModel, signature: Signature) -> None:
        super().__init__()
        self.model = model
        self.signature = signature
        self.vocabulary: int = model.config.vocab_size
        self.token_types: int = getattr(model.config, "type_vocab_size", 0)
        self.max_length = _max_length(model.config)
        self.eval()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        named = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            named["token_type_ids"] = token_type_ids
        output: torch.Tensor = self.model(**named)[self.signature.outputs[0].name]
        return output


class ImageClassifier(torch.nn.Module):
    """A checkpoint as a function of `pixel_values` float32[batch, channels, height, width] that gives `logits` float32
    [batch, classes]. Height and width are free (-1 in `signature`) where the checkpoint does not name them."""

    def __init__(self, model: PreTrainedModel, signature: Signature) -> None:
        super().__init__()
        self.model = model
        self.signature = signature
        self.eval()

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.model(pixel_values=pixel_values)["logits"]
        return output


def load_model(folder: Path) -> Encoder | ImageClassifier:
    """The model in `folder`, in float32, ready to run.

    Raises InvalidInput where the files are no such checkpoint, lack safetensors, or need code of their own."""
    config = configuration(folder)
    named = config.architectures or []
    if config.model_type == timm_wrapper.TYPE or any(name.endswith("ForImageClassification") for name in named):
        return load_image_classifier(folder)
    return load_encoder(folder)


def load_image_classifier(folder: Path) -> ImageClassifier:
    """The image classifier in `folder`, in float32, ready to run. Raises InvalidInput as `load_model`."""
    config = configuration(folder)
    model = load_checkpoint(AutoModelForImageClassification, folder, lambda model, name: False, config=config)
    size = getattr(model.config, "image_size", None)
    sides = [size, size] if isinstance(size, int) else list(size or (-1, -1))
    pixels = TensorSpec("pixel_values", "FP32", [-1, getattr(model.config, "num_channels", 3), *sides])
    logits = TensorSpec("logits", "FP32", [-1, cast(int, model.config.num_labels)])
    return ImageClassifier(model, Signature(inputs=[pixels], outputs=[logits]))


def has_weights(folder: Path) -> bool:
    """Whether there is more than a configuration."""
    return any(True for pattern in ("*.safetensors", "*.bin") for _ in folder.glob(pattern))


def configuration(folder: Path, image_size: int | None = None) -> PretrainedConfig:
    """What config.json says, for images of `image_size` pixels a side where it states their size.

    Raises InvalidInput where it is of no known kind, and Unavailable for one of timm without timm."""
    with _explained(folder):
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if config.model_type == timm_wrapper.TYPE:
        timm_wrapper.prepare(config, image_size)
    elif image_size is not None and hasattr(config, "image_size"):
        config.image_size = image_size
    return config


def load_encoder(folder: Path) -> Encoder:
    """The text encoder or classifier in `folder`, in float32, ready to run.

    Raises InvalidInput where the files are no such checkpoint, lack safetensors, or need code of their own."""
    config = configuration(folder)
    if config.is_encoder_decoder or not hasattr(config, "vocab_size"):
        raise InvalidInput(f"{config.model_type} is no text encoder.", "Encoders and classifiers are supported.")
    if any(name.endswith("ForSequenceClassification") for name in config.architectures or []):
        model = load_checkpoint(AutoModelForSequenceClassification, folder, lambda model, name: False)
        return Encoder(model, _signature(model, classifier=True))
    # A pooler may be missing: it has no part in the last hidden state.
    model = load_checkpoint(AutoModel, folder, lambda model, name: name.startswith("pooler."))
    return Encoder(model, _signature(model, classifier=False))


def load_checkpoint(
    auto_class: Any, folder: Path, may_be_fresh: Callable[[PreTrainedModel, str], bool], **overrides: Any
) -> PreTrainedModel:
    """The model of `auto_class` (`AutoModel…`) in `folder`, in float32; `overrides` go to its configuration.

    A weight that the files lack is drawn at random if `may_be_fresh(model, its name)`. Raises InvalidInput for any
    other, and where the files are no checkpoint, lack safetensors, or need code of their own."""
    with _explained(folder):
        load = _load_pruned if (folder / PRUNED).exists() else _load_whole
        model, unfilled = load(auto_class, folder, **overrides)
    if lacking := sorted(name for name in unfilled if not may_be_fresh(model, name)):
        raise InvalidInput(
            f"{folder.name} has no fitting weights for {', '.join(lacking[:3])} ({len(lacking)} in all).",
            "The weights and config.json are not of the same model: fetch it again.",
        )
    return model


def save_checkpoint(model: PreTrainedModel, folder: Path) -> None:
    """Write what `load_checkpoint` reads."""
    model.save_pretrained(folder)
    if getattr(model, "taken_out", None):
        from jupyter_modeldeploy.runtimes import pruned

        pruned.write(model, folder)


def _load_whole(auto_class: Any, folder: Path, **overrides: Any) -> tuple[PreTrainedModel, set[str]]:
    """The model, and the names of the weights that the files lack or have in another shape."""
    model, found = auto_class.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        dtype=torch.float32,
        **overrides,
    )
    return model, found["missing_keys"] | {entry[0] for entry in found["mismatched_keys"]}


def _load_pruned(
    auto_class: Any, folder: Path, config: PretrainedConfig | None = None, **overrides: Any
) -> tuple[PreTrainedModel, set[str]]:
    """As `_load_whole`, of a checkpoint that lacks channels that its configuration has."""
    from jupyter_modeldeploy.runtimes import pruned

    config = config or configuration(folder)
    config.update(overrides)
    model: PreTrainedModel = auto_class.from_config(config, trust_remote_code=False, dtype=torch.float32)
    pruned.take_out(model, folder)
    stored, wanted = load_file(folder / "model.safetensors"), model.state_dict()
    fitting = {name: tensor for name, tensor in stored.items() if wanted.get(name, tensor).shape == tensor.shape}
    return model, set(model.load_state_dict(fitting, strict=False).missing_keys)


class TransformersRuntime:
    """A transformers checkpoint run by torch, without gradients. See `runtimes.Runtime`."""

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto") -> None:
        place = torch_module.choose_device(device)
        self.on_gpu = place.type != "cpu"
        self._model = load_model(folder).to(place)
        self.signature = self._model.signature
        self._wanted = datatypes.Inputs(self.signature.inputs)
        names = [spec.name for spec in self.signature.inputs]

        def flat(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
            return [self._model(**dict(zip(names, tensors, strict=True)))]

        self._module = torch_module.TorchModule(flat, self.signature, threads, place)

    def run(self, inputs: Tensors) -> Tensors:
        self._check(inputs)
        return self._module.run(inputs)

    def close(self) -> None:
        del self._module, self._model

    def _check(self, inputs: Tensors) -> None:
        self._wanted.check(inputs)
        if isinstance(self._model, Encoder):
            self._check_tokens(self._model, inputs)

    def _check_tokens(self, encoder: Encoder, inputs: Tensors) -> None:
        shape = inputs["input_ids"].shape
        for name, values in inputs.items():
            if values.shape != shape or 0 in shape:
                raise InvalidInput(f"{name} has the shape {list(values.shape)}.", "Send [batch, length], all alike.")
        if encoder.max_length and shape[1] > encoder.max_length:
            raise InvalidInput(f"{shape[1]} tokens are too many.", f"The model takes {encoder.max_length}.")
        _check_range("input_ids", inputs["input_ids"], encoder.vocabulary)
        if "token_type_ids" in inputs:
            _check_range("token_type_ids", inputs["token_type_ids"], encoder.token_types)


def _check_range(name: str, values: np.ndarray, below: int) -> None:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= below:
        wrong = low if low < 0 else high
        raise InvalidInput(f"{name} holds {wrong}.", f"The model knows 0 to {below - 1}.")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """What transformers and safetensors raise for unusable files, as InvalidInput."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InvalidInput(
            f"{folder.name} is not a checkpoint that transformers can load: {error}",
            "It needs config.json of a known architecture and model.safetensors that fits it.",
        ) from error


def _signature(model: PreTrainedModel, classifier: bool) -> Signature:
    names = ["input_ids", "attention_mask"]
    takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
    if takes_types and getattr(model.config, "type_vocab_size", 0) > 1:
        names.append("token_type_ids")
    output = (
        TensorSpec(name="logits", dtype="FP32", shape=[-1, cast(int, model.config.num_labels)])
        if classifier
        else TensorSpec("last_hidden_state", "FP32", [*BATCH_BY_LENGTH, cast(int, model.config.hidden_size)])
    )
    inputs = [TensorSpec(name=name, dtype="INT64", shape=BATCH_BY_LENGTH) for name in names]
    return Signature(inputs=inputs, outputs=[output])


def _max_length(config: PretrainedConfig) -> int | None:
    """RoBERTa and its kin number positions from behind the padding id, so theirs are fewer than the table holds."""
    positions: int | None = getattr(config, "max_position_embeddings", None)
    if positions is not None and positions <= 0:  # as XLNet says that there is no limit
        return None
    if positions and config.model_type in ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "longformer"):
        return positions - int(config.pad_token_id or 0) - 1
    return positions
