"""The licence of a model: what its card says, else what its LICENSE file is recognised as."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from jupyter_modeldeploy.sources.understanding.card import Card

FILES = re.compile(r"(un)?licen[cs]e|copying", re.IGNORECASE)
READ_BYTES = 64 << 10
MAX_NAME_CHARACTERS = 100
SPDX_LINE = re.compile(r"SPDX-License-Identifier:\s*([\w.+-]+(?: (?:AND|OR|WITH) [\w.+-]+)*)")
KNOWN_BY = (
    ("AGPL-3.0", ("gnu affero general public license", "version 3")),
    ("LGPL-2.1", ("gnu lesser general public license", "version 2.1")),
    ("LGPL-3.0", ("gnu lesser general public license", "version 3")),
    ("GPL-3.0", ("gnu general public license", "version 3")),
    ("GPL-2.0", ("gnu general public license", "version 2")),
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("MPL-2.0", ("mozilla public license", "2.0")),
    ("MIT", ("permission is hereby granted, free of charge", "without restriction")),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "neither the name")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms", "redistributions in binary form")),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software for any purpose",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("CC-BY-NC-SA-4.0", ("attribution-noncommercial-sharealike 4.0",)),
    ("CC-BY-NC-4.0", ("attribution-noncommercial 4.0",)),
    ("CC-BY-SA-4.0", ("attribution-sharealike 4.0",)),
    ("CC-BY-4.0", ("attribution 4.0 international",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("openrail", ("openrail",)),
    ("llama", ("llama", "community license agreement")),
    ("gemma", ("gemma terms of use",)),
)
"""Words that all stand in the licence. Of several the one whose first words come first: licences name one another."""


def licence_of(folder: Path, card: Card | None, declared: str | None = None) -> str | None:
    """An SPDX identifier where the name is one, else the name as the card has it; None where nothing tells.

    `declared` is what the model's own file says."""
    for named in (_on_card(card), declared):
        if named:
            return canonical(named)
    return next((found for path in _files(folder) if (found := _recognise(path))), None)


def canonical(name: str) -> str:
    """The name as SPDX writes it, `Apache-2.0` for `apache-2.0`; any other as it is."""
    try:
        return canonicalize_license_expression(name)
    except InvalidLicenseExpression:
        return " ".join(name.split())[:MAX_NAME_CHARACTERS]


def _on_card(card: Card | None) -> str | None:
    fields = card.fields if card else {}
    named = fields.get("license")
    if isinstance(named, list):
        named = " AND ".join(str(one) for one in named[:8])
    if named == "other" and isinstance(fields.get("license_name"), str):
        named = fields["license_name"]
    return named if isinstance(named, str) and named.strip() else None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and FILES.match(path.name))


def _recognise(path: Path) -> str | None:
    with path.open("rb") as file:
        text = file.read(READ_BYTES).decode("utf-8", "replace")
    if named := SPDX_LINE.search(text):
        return canonical(named[1])
    words = " ".join(text.lower().split())
    found = [(words.index(first), name) for name, (first, *more) in KNOWN_BY if first in words and _has(words, more)]
    return min(found, key=lambda one: one[0])[1] if found else None


def _has(words: str, phrases: list[str]) -> bool:
    return all(phrase in words for phrase in phrases)
