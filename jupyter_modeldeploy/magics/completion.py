"""What Tab offers behind `%modeldeploy`: what the shell offers behind `modeldeploy`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher
from typer._completion_classes import BashComplete  # Typer names no other; what completes is the same for all shells

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

BEFORE = re.compile(r"\s*(?:\w+\s*=\s*)?%{1,2}modeldeploy\s+(?P<words>.*)", re.DOTALL)


def offer(shell: InteractiveShell) -> None:
    """Let the shell's completion know the commands, their options and what the workspace holds."""
    shell.Completer.custom_matchers.append(_matches)


def offered(text: str) -> tuple[list[str], str]:
    """What may stand in the place of the last word of `text`, which follows `%modeldeploy`, and that word."""
    from typer.main import get_command

    from jupyter_modeldeploy.cli.app import app

    *words, last = text.split() if text and not text[-1].isspace() else [*text.split(), ""]
    complete = BashComplete(get_command(app), {}, "modeldeploy", "")
    return [item.value for item in complete.get_completions(words, last)], last


@context_matcher()  # type: ignore[untyped-decorator]  # IPython's is not
def _matches(context: CompletionContext) -> Any:
    found = BEFORE.fullmatch(context.text_until_cursor)
    if found is None or re.search(r"[${][^\s}]*$", found["words"]):  # Python's own names
        return {"completions": []}
    values, last = offered(found["words"])
    return {
        "completions": [SimpleCompletion(text=value, type="magic") for value in values],
        "matched_fragment": last.rpartition("=")[2] if last.startswith("-") else last,
        "suppress": bool(values),
    }
