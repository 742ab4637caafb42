"""`modeldeploy cache …`"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.cli.group import group

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.fetching import CacheUsage, PrunedDownloads, VerifiedDownloads

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

app = group("See, verify and prune the cache of downloads; alone it tells how much it holds.", alone="usage")


@command(app, "usage", "modeldeploy cache usage")
def usage(door: Door) -> None:
    """Show how much the cache of downloads holds."""
    door.show(door.call("cache_usage"), _usage)


@command(app, "verify", "modeldeploy cache verify")
def verify(door: Door) -> None:
    """Hash every download again and remove the damaged ones, which the next fetch brings anew."""
    door.show(door.call("verify_cache"), _verified)


@command(app, "prune", "modeldeploy cache prune --older-than 30d")
def prune(
    door: Door,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="what nobody has used for so long: 90s, 12h, 30d, 4w")
    ] = "30d",
    all: Annotated[bool, typer.Option("--all", help="everything")] = False,
) -> None:
    """Remove downloads that nobody has used for long. No version in the workspace loses anything."""
    door.show(door.call("prune_cache", older_than_s=0 if all else _seconds(older_than)), _pruned)


def _seconds(age: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", age.strip())
    if match is None:
        raise typer.BadParameter(f"{age!r} is no age. Write a number and s, m, h, d or w, such as 30d.")
    return float(match[1]) * UNITS_S[match[2]]


def _usage(door: Door, response: CacheUsage) -> None:
    from jupyter_modeldeploy.amounts import size

    door.tell(f"{response.files:,} files, {size(response.bytes)}, in {door.workspace.store.root / 'cache'}")
    if response.files:
        door.tell(f"{size(response.bytes_alone)} of them are shared with no version: removing all would free as much.")
    if response.parts:
        door.tell(f"{response.parts:,} downloads that are not at their end: {size(response.part_bytes)}")


def _verified(door: Door, response: VerifiedDownloads) -> None:
    door.tell(f"{response.checked:,} files were hashed again, {len(response.damaged):,} were damaged and removed.")
    for sha256 in response.damaged:
        door.tell(f"  {sha256}")


def _pruned(door: Door, response: PrunedDownloads) -> None:
    from jupyter_modeldeploy.amounts import size

    door.tell(f"{response.files:,} files were removed, which freed {size(response.bytes_freed)}.")
