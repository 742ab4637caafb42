"""What was found in a version's files, and whether somebody said that it may be loaded in spite of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from jupyter_modeldeploy.cli.door import Door, printable

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.operations import VersionSummary
    from jupyter_modeldeploy.records import Verdict

MOST_TOLD = 20


def mark(verdict: Verdict | None) -> Text:
    """A word behind the version's name; nothing where nothing was found."""
    if verdict is None or not verdict.findings:
        return Text()
    return Text(" quarantined", "red") if verdict.quarantined else Text(" trusted", "yellow")


def tell(door: Door, versions: Iterable[VersionSummary]) -> None:
    """What was found in each version, and what to do about it."""
    for version in versions:
        verdict = version.verdict
        if verdict is None or not verdict.findings:
            continue
        door.out.print(f"\nFound in {version.ref}:")
        for finding in verdict.findings[:MOST_TOLD]:
            style = "red" if finding.dangerous else ""
            door.out.print(Text(printable(f"  {finding.file} {finding.message}"), style), soft_wrap=True)
        if (more := len(verdict.findings) - MOST_TOLD) > 0:
            door.out.print(f"  and {more} more")
        if (trusted := verdict.trusted) is not None:
            said = f"{trusted.by} trusts it since {trusted.at.astimezone():%Y-%m-%d %H:%M}: {trusted.reason}"
            door.out.print(printable(said), soft_wrap=True)
        else:
            door.suggest("If you have looked and trust it", f'models trust {version.ref} --reason "…"')
