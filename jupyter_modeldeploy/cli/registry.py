"""The commands of `modeldeploy models …` on versions as others rely on them: aliases, their rules, differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from jupyter_modeldeploy.cli import completion, registry_pages, views
from jupyter_modeldeploy.cli.command import answered, late_command, option
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.cli.operation import OperationCommand

COMMANDS = (
    OperationCommand(
        "alias",
        "set_alias",
        "Point an alias at a version, so that NAME@ALIAS means it from now on.",
        "modeldeploy models alias sentiment production 3",
        views.model,
        ["name", "alias", "number"],
        {"name": completion.models},
    ),
    OperationCommand(
        "promote",
        "promote_version",
        "Point an alias, production unless told, at a version as its rule allows, or ask a second person for it.\n\n"
        "Running services go on with the versions that they serve and are named; --follow switches them too.",
        'modeldeploy models promote sentiment@3 --reason "better on long texts" --follow',
        registry_pages.moved,
        ["version"],
    ),
    OperationCommand(
        "rollback",
        "rollback_alias",
        "Point an alias at where it pointed before; again, one step further back.\n\n"
        "With --follow the services that followed it go back to how they were.",
        "modeldeploy models rollback sentiment --follow",
        registry_pages.moved,
        ["name"],
        {"name": completion.models},
    ),
    OperationCommand(
        "unalias",
        "remove_alias",
        "Let an alias point at nothing; a rollback brings it back.",
        "modeldeploy models unalias sentiment --alias staging",
        registry_pages.moved,
        ["name"],
        {"name": completion.models},
    ),
    OperationCommand(
        "aliases",
        "list_aliases",
        "Show a model's aliases: who moved them, when, from where to where and why, their rules and open requests.",
        "modeldeploy models aliases sentiment",
        registry_pages.aliases,
        ["name"],
        {"name": completion.models},
    ),
    OperationCommand(
        "approve",
        "approve_request",
        "Move an alias as another asked for.",
        'modeldeploy models approve 4f1d2c3b5a69 --note "looked at the mistakes"',
        registry_pages.moved,
        ["id"],
    ),
    OperationCommand(
        "refuse",
        "refuse_request",
        "Decide that an alias does not move as another asked for, or take back what you asked.",
        'modeldeploy models refuse 4f1d2c3b5a69 --note "not on a Friday"',
        registry_pages.refused,
        ["id"],
    ),
    OperationCommand(
        "deprecate",
        "deprecate_version",
        "Say that a version should not be used for anything new; it loads as before, and whoever uses it is told.",
        'modeldeploy models deprecate sentiment@2 --reason "worse on long texts" --successor sentiment@3',
        views.model,
        ["version"],
        {"successor": completion.versions},
    ),
    OperationCommand(
        "undeprecate",
        "undeprecate_version",
        "Take back that a version should not be used.",
        "modeldeploy models undeprecate sentiment@2",
        views.model,
        ["version"],
    ),
    OperationCommand(
        "diff",
        "diff_versions",
        "Compare two versions: files, figures, what callers meet and what of it breaks them, settings and lineage.",
        "modeldeploy models diff sentiment@2 sentiment@3",
        registry_pages.diff,
        ["version", "other"],
        {"other": completion.versions},
    ),
)


RULES = (
    "Show what must hold before an alias moves; with options, say it anew in place of the rule so far.\n\n"
    "A condition is METRIC >= NUMBER, or METRIC >= ALIAS - NUMBER, which the version of that alias is asked for."
)
CLEAR = Annotated[bool, typer.Option("--clear", help="ask for nothing any more")]


def add_to(app: typer.Typer) -> None:
    for command in COMMANDS:
        command.add_to(app)
    example = 'modeldeploy models rules sentiment --conditions "accuracy >= production - 0.005" --approvers ben'
    late_command(app, "rules", RULES, example, _build_rules)


def _build_rules() -> Callable[..., None]:
    from jupyter_modeldeploy.api.registry import SetRule
    from jupyter_modeldeploy.cli.options import COMPLETIONS, fields_from, parameters_of
    from jupyter_modeldeploy.records import ApprovalRule

    def rules(door: Door, clear: bool, name: str, alias: str, **given: Any) -> None:
        asked = ApprovalRule.model_validate({field: given[field] for field in ApprovalRule.model_fields})
        if clear or asked.asks:
            fields = fields_from(SetRule, {"name": name, "alias": alias, **given})
            door.show(door.call("set_alias_rule", **fields), registry_pages.alias)
        else:
            door.show(door.call("get_alias", name=name, alias=alias), registry_pages.alias)

    own = parameters_of(SetRule, ["name"], completions={**COMPLETIONS, "name": completion.models})
    return answered(rules, [*own, option("clear", CLEAR, False)])
