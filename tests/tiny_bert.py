"""A BERT of two layers with a tokenizer of a few words, made in a second: real files for tests that need a model."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast, set_seed

GOOD = ["good", "great", "lovely", "fine", "superb"]
BAD = ["bad", "awful", "dull", "poor", "dreadful"]
FILLER = ["the", "film", "was", "a", "and", "plot", "actors", "very", "quite", "it"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CLASSES = ["negative", "positive"]


def make_encoder(folder: Path) -> Path:
    """A random encoder without a head: config.json, model.safetensors, tokenizer.json."""
    set_seed(7)
    BertModel(_config()).save_pretrained(folder)
    return _with_tokenizer(folder)


def make_classifier(folder: Path, hidden: int = 32) -> Path:
    """A random classifier into `CLASSES`, with logits far enough from each other to be told apart."""
    set_seed(7)
    names = dict(enumerate(CLASSES))
    model = BertForSequenceClassification(_config(hidden, id2label=names, label2id={v: k for k, v in names.items()}))
    with torch.no_grad():
        model.classifier.weight.mul_(20)
        model.classifier.bias.copy_(torch.tensor([0.1, -0.1]))
    model.save_pretrained(folder)
    return _with_tokenizer(folder)


def rows(count: int, seed: int = 0) -> list[tuple[str, int]]:
    """Sentences of several lengths whose label any model can learn: one word decides."""
    generator = torch.Generator().manual_seed(seed)

    def pick(words: list[str]) -> str:
        return words[int(torch.randint(len(words), (1,), generator=generator))]

    made = []
    for index in range(count):
        words = [pick(FILLER) for _ in range(3 + int(torch.randint(12, (1,), generator=generator)))]
        words[index % len(words)] = pick(GOOD if index % 2 else BAD)
        made.append((" ".join(words), index % 2))
    return made


def _config(hidden: int = 32, **more: object) -> BertConfig:
    return BertConfig(
        vocab_size=len(SPECIAL) + len(GOOD) + len(BAD) + len(FILLER),
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=160,
        **more,
    )


def _with_tokenizer(folder: Path) -> Path:
    vocabulary = {word: index for index, word in enumerate(SPECIAL + GOOD + BAD + FILLER)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "token_type_ids", "attention_mask"], **names
    )
    fast.save_pretrained(folder)
    return folder
