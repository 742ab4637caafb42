"""What we say to people, in their language: the sentences of answers, looked up in a catalogue as they leave a door.

Errors, notes, warnings and progress are made, kept and logged in English. A door gives the JSON of an answer to
`in_language` with the language that the asker sent (HTTP's `Accept-Language`), and what has a line in the catalogue
`locale/LANGUAGE/sentences.json` is said in it: `No model %1.` with whatever stands at %1. A value that is said in a
sentence of ours itself is looked up in its turn. What has no line stays as it is."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

SAYING = frozenset(
    """advice caution error evidence hint how limited message note notes operators_note reason relation stages_note
    summary title trial verdict warnings why""".split()  # noqa: SIM905
)
"""The fields of answers that hold sentences of ours; all others are names, numbers or what somebody wrote."""
CATALOGUES = {"zh": "zh_CN", "zh-cn": "zh_CN", "zh-hans": "zh_CN", "zh-hans-cn": "zh_CN"}
FOLDER = Path(__file__).parent / "locale"
PLACE = re.compile(r"%\d+")
WORD = re.compile(r"[A-Za-z]{2,}")
BOUNDARY = re.compile(r"(?<=[.?!:…]) +")
"""Where one sentence may end and another begin."""
WITHIN = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef]) +(?=[\u3000-\u9fff\uff00-\uffef])")
MARK_OF_SENTENCE = re.compile(r"[.?!:(]")
MARK = re.compile(r"[^\w\s]")
FEW_LETTERS, FEW_MARKS = 6, 3
"""A line with fewer, as `%1 is %2.`, would be found in anybody's sentence: its places take a single word."""
MOST_CHARACTERS = 1500
"""A longer text is nobody's sentence."""
START, NAME = re.compile(r"\A"), re.compile(r"\A\S+ ")
BEHIND = re.compile(r" [A-Z]")
LOG = "\0"
"""Stands for all lines of a text but the first."""


def in_language(answer: str, language: str) -> str:
    """The JSON `answer` as it is said in the first language of `language` ("zh-CN,zh;q=0.9"); as it is without one."""
    folder = _folder(language)
    if folder is None:
        return answer
    return json.dumps(_said(json.loads(answer), _catalogue(folder)), ensure_ascii=False)


def texts(language: str) -> dict[str, list[str]]:
    """The front end's texts in the first language of `language`: by the English one its forms, which are one for most
    and some for those that count. Nothing where there is no translation."""
    folder = _folder(language)
    return {} if folder is None else _texts(folder)


def _folder(language: str) -> str | None:
    return CATALOGUES.get(language.split(",")[0].split(";")[0].strip().lower().replace("_", "-"))


@cache
def _texts(folder: str) -> dict[str, list[str]]:
    written = json.loads((FOLDER / folder / "LC_MESSAGES" / "jupyter_modeldeploy.json").read_text("utf-8"))
    return {text: forms for text, forms in written.items() if text}


def _said(value: Any, catalogue: Catalogue, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _said(part, catalogue, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_said(part, catalogue, key) for part in value]
    return catalogue.say(value) if isinstance(value, str) and key in SAYING else value


@cache
def _catalogue(name: str) -> Catalogue:
    return Catalogue(json.loads((FOLDER / name / "sentences.json").read_text("utf-8")))


class Line:
    """A sentence with places for values, and how it is said in the other language."""

    def __init__(self, text: str, translation: str) -> None:
        self.parts = PLACE.split(text)
        self.places = PLACE.findall(text)
        self.translation = translation
        bare = PLACE.sub(" ", text)
        self.few = sum(map(len, WORD.findall(bare))) < FEW_LETTERS and len(MARK.findall(bare)) < FEW_MARKS
        self.length = sum(map(len, self.parts))

    @property
    def words(self) -> set[str]:
        """Those that each text of this line has, whatever its values are."""
        whole = "\0".join(self.parts)
        return set(WORD.findall(re.sub(r"\w*\0\w*", " ", whole)))

    @cached_property
    def tight(self) -> re.Pattern[str]:
        """Matches this line with values that are no sentences themselves, but for one that the line ends with."""
        until = r"\. [A-Z]|; " if MARK_OF_SENTENCE.search("".join(self.parts)) else r"\. [A-Z]|; |, "
        return self._pattern(r"[^\s']+|'[^']*'" if self.few else rf"(?:(?!{until}).)*?")

    @cached_property
    def loose(self) -> re.Pattern[str] | None:
        """Matches this line with any values; None if it has too little of its own to be known by."""
        return None if self.few else self._pattern(".*?")

    def _pattern(self, value: str) -> re.Pattern[str]:
        written = re.escape(self.parts[0])
        first = ".*?" if BEHIND.match(self.parts[1]) and not written else value  # a sentence before this one
        for before, after in itertools.pairwise(self.parts):
            beside = not before and written  # a value behind another begins as `, so`, ` (so)` or ` for so`
            written += f"((?:(?: ?[,;(]| for )(?:{value}))?)" if beside else f"({value if written else first})"
            written += re.escape(after)
        if not self.few and not self.parts[-1]:
            written = written.removesuffix(f"({value})") + "(.*)" if not beside else written
        return re.compile(written, re.DOTALL)

    def filled(self, values: dict[str, str]) -> str:
        """The translation with the values in its places, and no spaces within Chinese."""
        text = PLACE.sub(lambda place: values[place[0]], self.translation)
        return WITHIN.sub("", text).replace("。。", "。")


class Catalogue:
    """The lines of a language, found by the rarest word that they have."""

    def __init__(self, lines: dict[str, str]) -> None:
        self._whole = {text: said for text, said in lines.items() if said and not PLACE.search(text)}
        made = [Line(text, said) for text, said in lines.items() if said and PLACE.search(text)]
        often = Counter(word for line in made for word in line.words)
        self._by_word: dict[str, list[Line]] = defaultdict(list)
        for line in sorted(made, key=lambda line: (-line.length, -len(line.places))):
            self._by_word[min(line.words, key=lambda word: (often[word], word), default="")].append(line)
        self.say = lru_cache(4096)(self._say)

    def _say(self, text: str) -> str:
        """`text` in the language of the catalogue, as far as it is known."""
        bare, newline, log = text.strip().partition("\n")
        if newline:
            return self._look(f"{bare}\n{LOG}").replace(LOG, log)
        return self._look(bare)

    def _look(self, text: str) -> str:
        if not 0 < len(text) <= MOST_CHARACTERS:
            return text
        for look in (self._line, self._begun, self._list, self._ended, self._loose):
            found = look(text)
            if found is not None:
                return found
        return text

    def _line(self, text: str, loose: bool = False, few: bool = True) -> str | None:
        """`text` as one line; None if it is none. Without `few`, as a line that can hardly be anybody else's."""
        if text in self._whole:
            return self._whole[text]
        for line in self._candidates(text):
            pattern = line.loose if loose else line.tight if few or not line.few else None
            match = pattern and pattern.fullmatch(text)
            if match:
                values = dict(zip(line.places, map(self._value, match.groups()), strict=True))
                return line.filled(values)
        return None

    def _value(self, value: str) -> str:
        """A value is a name or a number as a rule: a single word is never looked up."""
        return self.say(value) if " " in value.strip() else value

    def _list(self, text: str) -> str | None:
        """`text` as findings with semicolons between, or as known words with commas."""
        for between, written in (("; ", "；"), (", ", "，")):
            parts = text.split(between)
            said = [self.say(part) for part in parts] if len(parts) > 1 else parts
            known = sum(part != as_said for part, as_said in zip(parts, said, strict=True))
            if known == len(parts) or (known and between == "; "):
                return written.join(said)
        return None

    def _begun(self, text: str) -> str | None:
        """`text` as several sentences, of which the first is known."""
        for boundary in reversed(list(BOUNDARY.finditer(text))):
            known = self._line(text[: boundary.start()])
            if known is not None:
                return known + self.say(text[boundary.end() :])
        return None

    def _ended(self, text: str) -> str | None:
        """`text` as something and a known sentence, or as the name of a file and what is said of it."""
        for boundary in itertools.chain(START.finditer(text), BOUNDARY.finditer(text), NAME.finditer(text)):
            known = self._last(text[boundary.end() :])
            if known is not None:
                return text[: boundary.end()] + known
        return None

    def _last(self, text: str) -> str | None:
        """`text` as a line that can hardly be anybody else's, with or without a full stop of its own."""
        bare = text.removesuffix(".")
        if bare != text and bare in self._whole:
            return self._whole[bare] + "。"
        known = self._line(text, few=False)
        if known is None and bare != text:
            known = self._line(bare, few=False)
            return None if known is None else known + "。"
        return known

    def _loose(self, text: str) -> str | None:
        return self._line(text, loose=True)

    def _candidates(self, text: str) -> Iterator[Line]:
        """The lines that may be this text, those with the most letters first."""
        words = {"", *WORD.findall(text)}
        found = (line for word in words for line in self._by_word.get(word, ()))
        yield from sorted(found, key=lambda line: (-line.length, -len(line.places)))
