"""A Llama of two layers with a tokenizer of a few words that has learnt a little: a base for tests of adapters."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

SUBJECTS, VERBS, OBJECTS = ["cats", "dogs", "birds", "cows"], ["like", "see", "hear", "hunt"], ["mice", "grass", "rain"]
WORDS = ["<pad>", "<eos>", "<unk>", *SUBJECTS, *VERBS, *OBJECTS, "and", "they"]


def make_causal(folder: Path) -> Path:
    """config.json, model.safetensors, tokenizer.json of a model with random weights."""
    set_seed(7)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(20)  # so that what the layers say is heard
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    names = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **names
    )
    fast.save_pretrained(folder)
    return folder


def passages(count: int, seed: int = 0) -> list[str]:
    """Texts of one grammar, which a model can learn: subject, verb, object, twice or three times."""
    pick = random.Random(seed)

    def clause() -> str:
        return f"{pick.choice(SUBJECTS)} {pick.choice(VERBS)} {pick.choice(OBJECTS)}"

    return [" and they ".join([clause() for _ in range(2 + pick.randrange(2))]) for _ in range(count)]
