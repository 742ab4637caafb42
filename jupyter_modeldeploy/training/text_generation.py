"""Fine-tune a causal language model, by default with LoRA; it is judged by the perplexity of held-out texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from jupyter_modeldeploy.datasets.reader import Passage
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes.transformers import load_checkpoint
from jupyter_modeldeploy.training.adapters import quantization
from jupyter_modeldeploy.training.data import read
from jupyter_modeldeploy.training.defaults import CONTEXT_LENGTH, TEXT_GENERATION
from jupyter_modeldeploy.training.fit import fit
from jupyter_modeldeploy.training.losses import next_token
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import IGNORED, Problem, Row
from jupyter_modeldeploy.training.run import Training
from jupyter_modeldeploy.training.text import Padding, TokenRows, load_tokenizer, saving

READ_TOKENS, WRITTEN_TOKENS = 64, 32
"""Of a sample: the end of what is asked, and at most so much of what is written."""
LOGITS_AT_A_TIME = 2**28
"""Floats (1 GiB) that the answers to rows that are judged together may take."""


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune the checkpoint in `training.base`. `out` gets config.json and model.safetensors, or adapter_config.json
    and adapter_model.safetensors where adapters are not merged, and the tokenizer's files.

    Plain texts are learnt from end to end, in pieces of the context's length. Of texts with a prompt, each is a row of
    its own, and the prompt is read but not learnt."""
    split = read(training)

    def make(plan: Plan) -> Problem:
        model = _load(training.base, plan.options)
        tokenizer = load_tokenizer(training.base, 2**30)
        context = _context(model, plan.options)
        vocabulary = int(cast(Any, model.config).vocab_size)
        test = _single(split.test, tokenizer, context)
        return Problem(
            kind="language-model",
            model=model,
            train=_packed(split.train, tokenizer, context),
            validation=_single(split.validation, tokenizer, context) if split.validation else None,
            test=test,
            collate=Padding(tokenizer, labels_of_tokens=True),
            loss=next_token,
            answers=_likelihoods,
            save=saving(tokenizer),
            text=lambda index: str(tokenizer.decode(test[index]["input_ids"])),
            respond=lambda trained, index: _continued(trained, tokenizer, test[index]),
            judged_at_a_time=max(1, min(64, LOGITS_AT_A_TIME // (context * vocabulary))),
            unquantized=(lambda: _load(training.base, None)) if plan.options.quantize_base else None,
        )

    return fit(training, TEXT_GENERATION, make)


def _load(base: Path, options: FinetuneOptions | None) -> PreTrainedModel:
    quantized = quantization(options) if options is not None else {}
    return load_checkpoint(AutoModelForCausalLM, base, lambda model, name: False, **quantized)


def _context(model: PreTrainedModel, options: FinetuneOptions) -> int:
    """As long as was asked for, if the model can be. Raises InvalidInput if it cannot."""
    longest: int | None = getattr(model.config, "max_position_embeddings", None)
    if longest is not None and options.context_length is not None and options.context_length > longest:
        raise InvalidInput(
            f"The model takes {longest} tokens, not {options.context_length}.", "Choose a smaller context_length."
        )
    return options.context_length or min(CONTEXT_LENGTH, longest or CONTEXT_LENGTH)


def _packed(passages: Sequence[Passage], tokenizer: PreTrainedTokenizerBase, context: int) -> TokenRows:
    if any(passage.prompt for passage in passages):
        return _single(passages, tokenizer, context)
    ids = list(chain.from_iterable(_encoded([passage.text for passage in passages], tokenizer)))
    return TokenRows([_row(piece, 0) for piece in _pieces(ids, context)])


def _single(passages: Sequence[Passage], tokenizer: PreTrainedTokenizerBase, context: int) -> TokenRows:
    """Each passage for itself: what is longer than the context is cut into several rows. A prompt that leaves no room
    loses its beginning."""
    rows = []
    prompts = tokenizer([passage.prompt or " " for passage in passages])["input_ids"]
    texts = _encoded([passage.text for passage in passages], tokenizer, bare=[bool(p.prompt) for p in passages])
    for passage, asked, ids in zip(passages, prompts, texts, strict=True):
        if not passage.prompt:
            rows += [_row(piece, 0) for piece in _pieces(ids, context)]
            continue
        answer = ids[: context - 1]
        before = asked[-(context - len(answer)) :]
        rows.append(_row([*before, *answer], len(before)))
    return TokenRows(rows)


def _encoded(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, bare: Sequence[bool] | None = None
) -> list[list[int]]:
    """The ids of each text, with the token that ends it; those that are `bare` go on from a prompt."""
    end = [] if tokenizer.eos_token_id is None else [cast(int, tokenizer.eos_token_id)]
    whole = tokenizer(list(texts))["input_ids"]
    parts = tokenizer(list(texts), add_special_tokens=False)["input_ids"] if bare and any(bare) else whole
    chosen = [part if bare and bare[index] else ids for index, (ids, part) in enumerate(zip(whole, parts, strict=True))]
    return [[*ids, *([] if ids[-1:] == end else end)] for ids in chosen]


def _continued(model: Any, tokenizer: PreTrainedTokenizerBase, row: Row) -> tuple[str, str]:
    """The prompt of a row, or its first half, and what the model takes for the likeliest to follow."""
    ids: list[int] = row["input_ids"]
    asked = row["labels"].count(IGNORED) or max(1, len(ids) // 2)
    begun = torch.tensor([ids[max(0, asked - READ_TOKENS) : asked]], device=model.device)
    written = model.generate(
        input_ids=begun,
        attention_mask=torch.ones_like(begun),
        max_new_tokens=max(1, min(WRITTEN_TOKENS, len(ids) - asked)),
        do_sample=False,
        use_cache=True,
        pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
    )
    return str(tokenizer.decode(begun[0])), str(tokenizer.decode(written[0, begun.shape[1] :]))


def _pieces(ids: list[int], context: int) -> list[list[int]]:
    """A piece of one token teaches nothing: it is left out."""
    pieces = [ids[start : start + context] for start in range(0, len(ids), context)]
    return [piece for piece in pieces if len(piece) > 1]


def _row(ids: list[int], prompt: int) -> Row:
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [*[IGNORED] * prompt, *ids[prompt:]],
    }


def _likelihoods(outputs: Any, labels: torch.Tensor) -> Sequence[np.ndarray]:
    """float64[2] for each row: the sum of the negative log likelihoods of its tokens, and their number."""
    logits, wanted = outputs["logits"][:, :-1].float(), labels[:, 1:]
    losses = functional.cross_entropy(logits.transpose(1, 2), wanted, ignore_index=IGNORED, reduction="none")
    sums, counts = losses.double().sum(dim=1), (wanted != IGNORED).sum(dim=1)
    return list(torch.stack([sums, counts.double()], dim=1).cpu().numpy())
