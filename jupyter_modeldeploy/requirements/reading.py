"""requirements.txt, as pip reads it, but for what reaches outside: other indexes, files, repositories, variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Named

from jupyter_modeldeploy.errors import InvalidInput

FILE = "requirements.txt"
OTHERS = ("pyproject.toml", "setup.py", "environment.yml", "environment.yaml", "Pipfile")
MAX_BYTES, MAX_LINES, MAX_FILES = 1 << 20, 2000, 8
KINDS = ("index", "url", "vcs", "path", "option", "source")
"""What can be allowed. `source` lets pip build packages of which there is no wheel, which runs their code."""
COMMENT = re.compile(r"(^|\s+)#.*$")
VARIABLE = re.compile(r"\$\{\w+\}|\$\w+|%\w+%")
HASH = re.compile(r"--hash[= ](sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|$)")
VCS = re.compile(r"(^|@\s*)(git|hg|svn|bzr)(\+|://)", re.IGNORECASE)
URL = re.compile(r"(^|@\s*)[a-z][a-z0-9.-]*:", re.IGNORECASE)
INDEX_OPTIONS = frozenset(
    ("-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--trusted-host", "--pypi-url")
)
FOLLOWED = {"-r": "-r", "--requirement": "-r", "-c": "-c", "--constraint": "-c"}
EDITABLE = ("-e", "--editable")
HARMLESS = frozenset(("--pre", "--prefer-binary"))


@dataclass(frozen=True)
class Line:
    """One line. `pip` is what pip is given for it; `kind` and `reason` say why it is refused."""

    text: str
    file: str
    named: Named | None = None
    pip: str = ""
    kind: str | None = None
    reason: str = ""
    constraint: bool = False


@dataclass
class _Reader:
    folder: Path
    allow: Collection[str]
    seen: set[Path] = field(default_factory=set)

    def file(self, path: Path, constraint: bool) -> Iterator[Line]:
        self.seen.add(path)
        name = path.relative_to(self.folder).as_posix()
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        lines = content.decode("utf-8-sig", "replace").replace("\\\r\n", " ").replace("\\\n", " ").splitlines()
        if len(content) > MAX_BYTES or len(lines) > MAX_LINES:
            raise InvalidInput(
                f"{name} is too long for a file of requirements.", f"At most {MAX_LINES} lines are read."
            )
        for line in lines:
            if text := COMMENT.sub("", line).strip():
                yield from self.line(text, name, path.parent, constraint)

    def line(self, text: str, file: str, beside: Path, constraint: bool) -> Iterator[Line]:
        if VARIABLE.search(text):
            yield Line(text, file, kind="variable", reason="it would be filled in from the environment's variables")
        elif text.startswith("-"):
            yield from self._option(text, file, beside, constraint)
        else:
            yield self._package(text, file, constraint)

    def _package(self, text: str, file: str, constraint: bool) -> Line:
        hashes = "".join(f" --hash={digest}" for digest in HASH.findall(text))
        bare = HASH.sub("", text).strip()
        if VCS.search(bare):
            return self._unless("vcs", "it is code of a repository", text, file, constraint)
        if re.search(r"(^|@\s*)file:", bare, re.IGNORECASE) or bare.startswith((".", "/", "~", "\\")):
            return self._unless("path", "it is a path of this machine", text, file, constraint)
        if URL.search(bare):
            return self._unless("url", "it is downloaded from an address of its own", text, file, constraint)
        if " --" in bare:
            return self._unless("option", "it sets options of pip", text, file, constraint)
        try:
            named = Named(bare)
        except InvalidRequirement:
            reason = "it is neither a package with versions nor an option"
            return Line(text, file, kind="unknown", reason=reason, constraint=constraint)
        return Line(text, file, named, f"{named}{hashes}", constraint=constraint)

    def _option(self, text: str, file: str, beside: Path, constraint: bool) -> Iterator[Line]:
        name, value = _option_of(text)
        if name in FOLLOWED:
            yield from self._follow(text, file, beside / value, constraint or FOLLOWED[name] == "-c")
        elif name in INDEX_OPTIONS:
            yield self._unless("index", "packages would come from elsewhere", text, file, constraint)
        elif name in EDITABLE:
            kind = "vcs" if VCS.search(value) else "path"
            yield self._unless(kind, "it is installed from its source", text, file, constraint)
        elif text in HARMLESS:
            yield Line(text, file, pip=text)
        else:
            yield self._unless("option", "it sets options of pip", text, file, constraint)

    def _follow(self, text: str, file: str, path: Path, constraint: bool) -> Iterator[Line]:
        target = path.resolve()
        if "://" in text or not target.is_relative_to(self.folder) or not target.is_file():
            yield Line(text, file, kind="path", reason="it names no file of this folder")
        elif target not in self.seen and len(self.seen) < MAX_FILES:
            yield from self.file(target, constraint)

    def _unless(self, kind: str, reason: str, text: str, file: str, constraint: bool) -> Line:
        if kind in self.allow:
            return Line(text, file, pip=text, constraint=constraint)
        return Line(text, file, kind=kind, reason=reason, constraint=constraint)


def read(folder: Path, allow: Collection[str] = ()) -> list[Line]:
    """The lines of requirements.txt and of the files of this folder that it names; none where there is none."""
    if unknown := set(allow) - set(KINDS):
        raise InvalidInput(f"{sorted(unknown)[0]!r} cannot be allowed.", f"There are: {', '.join(KINDS)}.")
    folder = folder.resolve()
    path = folder / FILE
    if not path.is_file():
        return []
    return list(_Reader(folder, allow).file(path.resolve(), False))


def notes(folder: Path) -> list[str]:
    """Which files name packages, too, and are not read."""
    return [f"{name} may ask for more; it is not read." for name in OTHERS if (folder / name).is_file()]


def _option_of(text: str) -> tuple[str, str]:
    """The option's name and its value: `--index-url=X`, `--index-url X`, `-r X` and `-rX`."""
    try:
        first, *rest = shlex.split(text)
    except ValueError:  # quotes that do not close
        first, *rest = text.split()
    if first.startswith("--"):
        name, _, value = first.partition("=")
        matches = [known for known in (*INDEX_OPTIONS, *FOLLOWED, *EDITABLE) if known.startswith(name)]
        return (matches[0] if len(matches) == 1 else name), value or " ".join(rest)
    return first[:2], first[2:].lstrip("=") or " ".join(rest)
