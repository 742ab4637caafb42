"""The model card: the README of a repository, whose front matter says what hubs know of the model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FILES = ("readme.md", "model_card.md", "modelcard.md", "readme.txt", "readme.rst", "readme")
MAX_CARD_BYTES = 4 << 20
MAX_FIELDS_CHARACTERS = 16 << 10
FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
WANTED = re.compile(r"^(license|license_name|library_name|pipeline_tag)[ \t]*:.*(?:\n[ \t-].*)*", re.MULTILINE)


@dataclass(frozen=True)
class Card:
    """The card's file by its name, and of its front matter the fields that are used."""

    file: str
    fields: dict[str, Any] = field(default_factory=dict)


class _PlainLoader(yaml.SafeLoader):
    """YAML without references: a few of them can unfold to more than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("References are not read.")
        return super().compose_node(parent, index)


def read_card(folder: Path) -> Card | None:
    """The card at the top of `folder`; None where there is none. A front matter that makes no sense is no fields."""
    by_name = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    path = next((by_name[name] for name in FILES if name in by_name), None)
    if path is None:
        return None
    with path.open("rb") as file:
        text = file.read(MAX_CARD_BYTES).decode("utf-8", "replace")
    matter = FRONT_MATTER.match(text)
    return Card(path.name, _fields(matter[1]) if matter else {})


def read_text(folder: Path, name: str, most: int) -> str:
    """The first `most` characters of the card `name` in `folder`, without its front matter."""
    with (folder / name).open("rb") as file:
        return body(file.read(MAX_CARD_BYTES).decode("utf-8", "replace"))[:most]


def body(text: str) -> str:
    """A card's text without its front matter."""
    return FRONT_MATTER.sub("", text, count=1).lstrip()


def _fields(matter: str) -> dict[str, Any]:
    """The wanted fields alone: the results of benchmarks in a card's front matter can take a minute to read."""
    wanted = "\n".join(found[0] for found in WANTED.finditer(matter))[:MAX_FIELDS_CHARACTERS]
    try:
        fields = yaml.load(wanted, Loader=_PlainLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}  # a card is for people: one that is not well-formed has no say here, and stops nobody
    return fields if isinstance(fields, dict) else {}
