"""Every task on the core learns, and what it writes can be loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_bert import make_classifier
from tiny_causal import make_causal
from trainings import generation_training, multi_label_training, text_training, token_training
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoModelForTokenClassification

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training import text_classification, text_generation, token_classification
from jupyter_modeldeploy.training.options import FinetuneOptions

QUICK = FinetuneOptions(max_steps=40, batch_size=8, learning_rate=3e-3, max_length=32, precision="fp32")
WEIGHTS = "model.safetensors"


def with_options(**changed: object) -> FinetuneOptions:
    return QUICK.model_copy(update=changed)


def test_texts_with_several_labels(encoder: Path, tmp_path: Path) -> None:
    training = multi_label_training(encoder, tmp_path, with_options(class_weights="balanced", learning_rate=1e-2))

    result = text_classification.finetune(training)

    assert result.metrics.keys() == {"loss", "accuracy", "f1_micro", "f1_macro"}
    assert result.metrics["f1_micro"] > 0.7 > result.baseline["f1_micro"]
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    assert model.config.problem_type == "multi_label_classification"
    assert model.config.id2label[0] == "long"


@pytest.mark.parametrize("prompted", [False, True], ids=["plain", "prompted"])
def test_a_language_model_shows_what_it_writes_on(tmp_path: Path, prompted: bool) -> None:
    written: list[tuple[int, int, str, str]] = []

    class Writing(Silent):
        def sample(self, step: int, row: int, text: str, answer: str) -> None:
            written.append((step, row, text, answer))

    options = with_options(max_steps=2, sample_predictions=2)
    training = generation_training(make_causal(tmp_path / "base"), tmp_path, options, prompted)
    text_generation.finetune(replace(training, reporter=Writing()))
    assert [(step, row) for step, row, _, _ in written] == [(2, 0), (2, 1)]
    assert all(asked and answer for _, _, asked, answer in written)


def test_words_with_tags(encoder: Path, tmp_path: Path) -> None:
    result = token_classification.finetune(token_training(encoder, tmp_path, with_options(class_weights="balanced")))

    assert result.metrics["f1"] > 0.8 > result.baseline["f1"]
    assert AutoModelForTokenClassification.from_pretrained(tmp_path / "out").config.id2label[2] == "O"


@pytest.mark.parametrize("prompted", [False, True], ids=["plain", "prompted"])
def test_adapters_lower_the_perplexity_of_a_language_model(tmp_path: Path, prompted: bool) -> None:
    base = make_causal(tmp_path / "base")
    options = FinetuneOptions(epochs=6, context_length=32, learning_rate=5e-3, precision="fp32")

    result = text_generation.finetune(generation_training(base, tmp_path, options, prompted))

    assert result.options.method == "lora"
    assert result.metrics["perplexity"] < 0.8 * result.baseline["perplexity"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert model.config.use_cache
    before, after = load_file(base / WEIGHTS), load_file(tmp_path / "out" / WEIGHTS)
    assert before.keys() == after.keys()
    assert torch.equal(before["lm_head.weight"], after["lm_head.weight"])


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft's
def test_adapters_may_stay_alone(tmp_path: Path) -> None:
    from peft import PeftModel

    base = make_causal(tmp_path / "base")
    options = with_options(max_steps=2, merge_adapter=False, context_length=16)

    text_generation.finetune(generation_training(base, tmp_path, options))

    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= written
    assert WEIGHTS not in written
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "out")


def test_adapters_of_a_classifier_are_merged_and_its_head_is_trained(tmp_path: Path) -> None:
    base = make_classifier(tmp_path / "base")
    text_classification.finetune(text_training(base, tmp_path, with_options(method="lora", max_steps=5)))

    before, after = load_file(base / WEIGHTS), load_file(tmp_path / "out" / WEIGHTS)
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"classifier.weight", "bert.encoder.layer.0.attention.self.query.weight"} <= changed
    assert "bert.embeddings.word_embeddings.weight" not in changed


def test_the_head_alone(tmp_path: Path) -> None:
    base = make_classifier(tmp_path / "base")
    text_classification.finetune(text_training(base, tmp_path, with_options(method="head", max_steps=3)))

    before, after = load_file(base / WEIGHTS), load_file(tmp_path / "out" / WEIGHTS)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        "classifier.weight",
        "classifier.bias",
    }


def test_a_language_model_has_no_head_to_train_alone(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no head"):
        text_generation.finetune(
            generation_training(make_causal(tmp_path / "base"), tmp_path, with_options(method="head"))
        )


def test_a_context_longer_than_the_model_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="takes 64 tokens, not 65"):
        text_generation.finetune(
            generation_training(make_causal(tmp_path / "base"), tmp_path, with_options(context_length=65))
        )


@pytest.mark.skipif(torch.cuda.is_available(), reason="here it can be had")
def test_four_bits_without_a_gpu_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="CUDA device and bitsandbytes"):
        text_generation.finetune(
            generation_training(make_causal(tmp_path / "base"), tmp_path, with_options(quantize_base="4bit"))
        )
