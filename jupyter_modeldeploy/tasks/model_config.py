"""What the JSON files beside a model say."""

from __future__ import annotations

from itertools import count, takewhile
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.json_files import read_json

DEFAULT_TOKENS = 512


def class_names(folder: Path) -> dict[int, str]:
    """The names of the classes by their number: `id2label` of config.json, or `label_names` as timm has them, else the
    lines of labels.txt, else none."""
    config = read_json(folder / "config.json")
    if isinstance(in_order := config.get("label_names"), list):
        return {number: str(name) for number, name in enumerate(in_order)}
    named = config.get("id2label")
    if isinstance(named, dict) and named:
        try:
            return {int(number): str(name) for number, name in named.items()}
        except ValueError as error:
            raise InvalidInput(f"config.json numbers its classes {list(named)[:5]}.", "Use 0, 1, 2, …") from error
    lines = folder / "labels.txt"
    if not lines.is_file():
        return {}
    return dict(enumerate(lines.read_text("utf-8", "replace").splitlines()))


def in_order(names: dict[int, str]) -> list[str]:
    """The names of `class_names` from 0 on, up to the first that is missing."""
    return [names[number] for number in takewhile(names.__contains__, count())]


def max_tokens(folder: Path) -> int:
    """The most tokens the model takes: the least of what its tokenizer and its positions allow, else 512."""
    config = read_json(folder / "config.json")
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in ("roberta", "xlm-roberta", "camembert"):
        positions -= config.get("pad_token_id", 1) + 1  # their positions start behind the padding token's number
    limits = (
        positions,
        read_json(folder / "tokenizer_config.json").get("model_max_length"),
        read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
    )
    usable = [int(limit) for limit in limits if isinstance(limit, (int, float)) and 0 < limit < 1_000_000]
    return min(usable, default=DEFAULT_TOKENS)
