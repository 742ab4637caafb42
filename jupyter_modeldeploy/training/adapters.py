"""Which weights are trained: all of them, the new head alone, or low-rank adapters (LoRA, Hu et al. 2021) by peft."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, cast

import torch
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.training.options import FinetuneOptions, Method

InHead = Callable[[str], bool]


def prepared(model: PreTrainedModel, method: Method, in_head: InHead, options: FinetuneOptions) -> PreTrainedModel:
    """The model with what the method trains set to be trained. Raises InvalidInput where there is nothing of it."""
    if method == "full":
        return model
    heads = _heads(model, in_head)
    if method == "head":
        if not heads:
            raise InvalidInput("This task has no head of its own to train.", "Choose the method full or lora.")
        for name, parameter in model.named_parameters():
            parameter.requires_grad = in_head(name)
        return model
    return _with_lora(model, heads, options)


def bare(model: Any, merge: bool, unquantized: Callable[[], PreTrainedModel] | None = None) -> PreTrainedModel:
    """The model without what training put around it: LoRA adapters are added to the weights, or stay where not `merge`,
    for `save_pretrained` to write them alone. What was trained on a base in 4 bits is added to the base in full."""
    if not merge or not hasattr(model, "merge_and_unload"):
        return cast(PreTrainedModel, model)
    if unquantized is None:
        return cast(PreTrainedModel, model.merge_and_unload())
    from peft import PeftModel

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        whole: Any = PeftModel.from_pretrained(unquantized().to(model.device), folder)
        return cast(PreTrainedModel, whole.merge_and_unload())


def quantization(options: FinetuneOptions) -> dict[str, Any]:
    """What `from_pretrained` is told to hold the base in 4 bits (QLoRA, Dettmers et al. 2023), if that was asked for.

    Raises Unavailable without a CUDA device or bitsandbytes."""
    if options.quantize_base is None:
        return {}
    if not torch.cuda.is_available() or find_spec("bitsandbytes") is None:
        raise Unavailable(
            "A base in 4 bits needs a CUDA device and bitsandbytes.", "pip install bitsandbytes, or leave it out."
        )
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": config, "device_map": {"": torch.cuda.current_device()}}


def own_name(parameter: str) -> str:
    """The name that a parameter has in the model itself, whatever peft put around it."""
    return (
        parameter.removeprefix("base_model.model.").replace(".modules_to_save.default", "").replace(".base_layer", "")
    )


def _heads(model: PreTrainedModel, in_head: InHead) -> list[str]:
    """The outermost modules that are of the head altogether."""
    found: list[str] = []
    for name, module in model.named_modules():
        names = [f"{name}.{inner}" for inner, _ in module.named_parameters()]
        if name and names and all(map(in_head, names)) and not any(name.startswith(f"{one}.") for one in found):
            found.append(name)
    return found


def _with_lora(model: PreTrainedModel, heads: list[str], options: FinetuneOptions) -> PreTrainedModel:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    # Conv1D is the layer of GPT-2, whose weights are the other way round.
    inverted = any(isinstance(module, Conv1D) for module in model.modules())
    config = LoraConfig(
        r=options.lora_rank,
        lora_alpha=cast(int, options.lora_alpha),
        lora_dropout=options.lora_dropout,
        target_modules=_targets(model, heads),
        modules_to_save=heads or None,
        fan_in_fan_out=inverted,
    )
    if options.quantize_base:
        kept = options.gradient_checkpointing
        model = prepare_model_for_kbit_training(model, kept)  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        # peft asks transformers for what has another name there by now.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return cast(PreTrainedModel, get_peft_model(model, config))


def _targets(model: PreTrainedModel, heads: list[str]) -> list[str]:
    """All linear layers but those of the head and the one that gives the words."""
    output = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
        and module is not output
        and not any(name == head or name.startswith(f"{head}.") for head in heads)
    ]
    if not names:
        raise InvalidInput("This model has no linear layers for adapters.", "Choose the method full or head.")
    return names
