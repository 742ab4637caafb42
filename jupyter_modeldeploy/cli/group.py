"""A noun's commands, of which one is meant where none is named: `modeldeploy jobs` is `modeldeploy jobs list`."""

from __future__ import annotations

from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


class Group(TyperGroup):
    """Commands on one noun. Options where a command is due are those of `alone`."""

    alone: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        if not named and not ctx.resilient_parsing:  # Tab offers all commands
            args = [self.alone, *args]
        return super().parse_args(ctx, args)


def group(help: str, alone: str = "list") -> typer.Typer:
    """A group for the commands on one noun; without a command it does what `alone` does."""
    return typer.Typer(cls=type("NounGroup", (Group,), {"alone": alone}), help=help)
