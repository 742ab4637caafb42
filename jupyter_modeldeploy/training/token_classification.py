"""Fine-tune a tagger of words (named entities, parts of speech) from an encoder checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerBase

from jupyter_modeldeploy.datasets.reader import TaggedWords
from jupyter_modeldeploy.training.data import read
from jupyter_modeldeploy.training.defaults import TOKEN_CLASSIFICATION
from jupyter_modeldeploy.training.fit import fit
from jupyter_modeldeploy.training.losses import balanced, cross_entropy
from jupyter_modeldeploy.training.options import FinetuneResult
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import IGNORED, Problem
from jupyter_modeldeploy.training.run import Training
from jupyter_modeldeploy.training.text import Padding, TokenRows, in_head, load_classifier, load_tokenizer, saving


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune the checkpoint in `training.base`; the tag of a word is learnt at its first token. `out` gets
    config.json with the tags, model.safetensors and the tokenizer's files."""
    split = read(training)
    classes = training.dataset.classes

    def make(plan: Plan) -> Problem:
        tokenizer = load_tokenizer(training.base, plan.options.max_length)
        model = load_classifier(AutoModelForTokenClassification, training.base, classes)
        train = _rows(split.train, tokenizer)
        even = plan.options.class_weights == "none"
        tags = list(chain.from_iterable(train.labels))
        return Problem(
            kind="tagging",
            model=model,
            train=train,
            validation=_rows(split.validation, tokenizer) if split.validation else None,
            test=_rows(split.test, tokenizer),
            collate=Padding(tokenizer, labels_of_tokens=True),
            loss=cross_entropy(None if even else balanced(tags, len(classes))),
            answers=_logits_of_words,
            save=saving(tokenizer),
            classes=classes,
            in_head=in_head(model),
            text=lambda index: " ".join(split.test[index].words),
            describe=lambda index, answer: _tagged(split.test[index].words, answer, classes),
        )

    return fit(training, TOKEN_CLASSIFICATION, make)


def _rows(sentences: Sequence[TaggedWords], tokenizer: PreTrainedTokenizerBase) -> TokenRows:
    """What is cut off has no label: it is neither learnt nor judged."""
    encoded = tokenizer([list(sentence.words) for sentence in sentences], is_split_into_words=True, truncation=True)
    rows = []
    for index, sentence in enumerate(sentences):
        words = encoded.word_ids(index)
        labels = [
            sentence.tags[word] if word is not None and word != before else IGNORED
            for before, word in pairwise([None, *words])
        ]
        rows.append({**{name: values[index] for name, values in encoded.items()}, "labels": labels})
    return TokenRows(rows, [[tag for tag in row["labels"] if tag != IGNORED] for row in rows])


def _logits_of_words(outputs: Any, labels: torch.Tensor) -> Sequence[np.ndarray]:
    """float32[words, classes] for each row."""
    logits = outputs["logits"].float().cpu().numpy()
    known = (labels != IGNORED).cpu().numpy()
    return [row[words] for row, words in zip(logits, known, strict=True)]


def _tagged(words: Sequence[str], answer: np.ndarray, classes: Sequence[str]) -> str:
    return " ".join(f"{word}/{classes[tag]}" for word, tag in zip(words, answer.argmax(axis=-1), strict=False))
