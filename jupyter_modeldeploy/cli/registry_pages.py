"""Aliases with their history, what a move came to, and two versions beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from jupyter_modeldeploy.amounts import percent, size
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.registry import AliasList
    from jupyter_modeldeploy.records import AliasPage, ApprovalRule, Interval, Moved, MoveRequest
    from jupyter_modeldeploy.records.version_diffs import VersionDiff

SHOWN_MOVES = 20
SHOWN_FILES = 30


def moved(door: Door, response: Moved) -> None:
    """What was done, what the rule found, and which services still serve the version before."""
    door.out.print(printable(response.headline), style="green" if response.move else "")
    for check in response.checks:
        mark = Text("✓ ", "green") if check.holds else Text("✗ ", "red")
        door.out.print(Text.assemble(mark, printable(check.told)), soft_wrap=True)
    for warning in response.warnings:
        door.out.print(printable(warning), style="yellow", soft_wrap=True)
    for one in response.services:
        if one.followed:
            door.out.print(f"{one.service} serves {one.version} now.")
        else:
            door.out.print(f"{one.service} still serves {one.version}.")
            if one.command:
                door.suggest("Switch it", one.command.removeprefix("modeldeploy "))
    if response.request is not None and response.move is None:
        door.suggest("A second person decides", f"models approve {response.request.id}")


def refused(door: Door, response: MoveRequest) -> None:
    door.out.print(f"{response.model}@{response.alias} stays as it is; the request {response.id} is {response.state}.")


def aliases(door: Door, response: AliasList) -> None:
    if not response.aliases:
        door.suggest("No aliases yet. Point one at a version", "models promote NAME@3")
    for page in response.aliases:
        alias(door, page)


def alias(door: Door, page: AliasPage) -> None:
    """Where it points, its rule, its moves with the newest first, and what waits for a second person."""
    where = f"is {page.model}@{page.number}" if page.number else "points at no version"
    door.out.print(f"{page.model}@{page.alias} {where}", style="bold")
    for line in rule_lines(page.rule):
        door.out.print(printable(f"  {line}"), soft_wrap=True)
    rows = table("When", "Who", "What", ">From", ">To", "Why")
    for move in page.moves[:SHOWN_MOVES]:
        who = f"{move.by}, approved by {move.approved_by}" if move.approved_by else move.by
        ends = (str(number or "none") for number in (move.before, move.after))
        rows.add_row(
            f"{move.at.astimezone():%Y-%m-%d %H:%M}", printable(who), move.action, *ends, printable(move.reason)
        )
    if page.moves:
        door.out.print(rows)
    for request in page.requests:
        if request.state == "open":
            door.out.print(printable(f"{request.by} asks for @{request.number}: {request.reason}"), soft_wrap=True)
            door.suggest("A second person decides", f"models approve {request.id}")


def rule_lines(rule: ApprovalRule) -> list[str]:
    """What a rule asks, a line each; none where it asks for nothing."""
    lines = [f"asks for {condition}" for condition in rule.conditions]
    lines += [] if rule.proof == "none" else [f"asks for {_proof(rule)}"]
    lines += [f"may be moved by {', '.join(rule.movers)}"] if rule.movers else []
    if rule.second_person:
        lines.append(f"is approved by {', '.join(rule.approvers) or 'a second person'}")
    return lines


def _proof(rule: ApprovalRule) -> str:
    less = f", or worse by less than {percent(rule.margin)} for certain" if rule.margin else ""
    experiment = f"an experiment with {rule.units:,} units of each that finds it better{less}"
    evaluation = "an evaluation that does not find it worse"
    return {"experiment": experiment, "evaluation": evaluation}.get(rule.proof, f"{evaluation}, or {experiment}")


def diff(door: Door, found: VersionDiff) -> None:
    sizes = f"{size(found.size_before)} → {size(found.size_after)}"
    door.out.print(f"{found.before} → {found.after}, {sizes}", style="bold")
    if found.relation:
        door.out.print(printable(found.relation))
    for change in found.callers:
        style = "red" if change.breaking else ""
        whom = " (callers that send tensors)" if change.callers == "tensors" else ""
        door.out.print(
            printable(f"{'breaking' if change.breaking else 'compatible'}: {change.note}{whom}"),
            style=style,
            soft_wrap=True,
        )
    if not found.callers:
        door.out.print("Callers notice nothing.")
    _metrics(door, found)
    _facts(door, found)
    _files(door, found)


def _metrics(door: Door, found: VersionDiff) -> None:
    rows = table("Metric", f">{found.before}", f">{found.after}", ">Difference", "")
    for each in found.metrics:
        values = ("" if value is None else f"{value:.4g}" for value in (each.before, each.after))
        difference = "" if each.difference is None else f"{each.difference:+.4g}"
        rows.add_row(printable(each.name), *values, difference, _ends(each.interval) or printable(each.note))
    if found.metrics:
        door.out.print(rows)


def _ends(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"{100 * interval.level:.0f} % interval {interval.low:+.4g} to {interval.high:+.4g}"


def _facts(door: Door, found: VersionDiff) -> None:
    rows = table("", found.before, found.after)
    for fact in found.facts:
        rows.add_row(*map(printable, (fact.name, fact.before, fact.after)))
    if found.facts:
        door.out.print(rows)


def _files(door: Door, found: VersionDiff) -> None:
    rows = table("File", "", ">Before", ">After")
    for file in found.files[:SHOWN_FILES]:
        sizes = ("" if count is None else size(count) for count in (file.before, file.after))
        rows.add_row(printable(file.path), file.change, *sizes)
    if found.files:
        door.out.print(rows)
    more = len(found.files) - SHOWN_FILES
    rest = f"{more} more and {found.unchanged_files}" if more > 0 else f"{found.unchanged_files}"
    door.out.print(f"{rest} unchanged files", style="dim")
