"""The operations on versions as others rely on them: aliases, their rules and requests, deprecation, differences."""

from __future__ import annotations

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.requests import ById, ByName, ByVersion
from jupyter_modeldeploy.api.summaries import ModelSummary, summary
from jupyter_modeldeploy.records import AliasPage, ApprovalRule, Check, Moved, MoveRequest, Name
from jupyter_modeldeploy.records.version_diffs import VersionDiff
from jupyter_modeldeploy.workspace import Workspace

MAX_INTEGER = 2**53 - 1
"""The largest whole number that a browser keeps exactly; SQLite's are larger."""
MAX_REASON = 2000

ALIAS = "models/{name}/aliases/{alias}"


class AliasRequest(Request):
    name: Name = Field(description="the model's name")
    alias: Name = Field(description="a word such as production")
    number: int = Field(ge=1, le=MAX_INTEGER, description="the version that the alias points at")


class OneAlias(Request):
    name: Name = Field(description="the model's name")
    alias: Name = Field(default="production", description="which alias")


class Reasoned(Request):
    reason: str = Field(default="", max_length=MAX_REASON, description="why; it is kept with the move")
    expected: int | None = Field(
        default=None,
        ge=0,
        le=MAX_INTEGER,
        description="the version that the alias pointed at when you decided, 0 for none; refused if it moved meanwhile",
    )


class Following(Reasoned):
    follow: bool = Field(default=False, description="switch the running services that serve the version before")
    services: list[str] = Field(default_factory=list, description="switch this service; may be given several times")


class PromoteVersion(Following):
    version: str = Field(description="the version to point at: NAME@3, or NAME for the latest")
    alias: Name = Field(default="production", description="the alias that moves")
    dry_run: bool = Field(default=False, description="only say what the alias's rule asks and whether it holds")


class RollBackAlias(OneAlias, Following):
    pass


class RemoveAlias(OneAlias, Reasoned):
    pass


class SetRule(OneAlias, ApprovalRule):
    reason: str = Field(default="", max_length=MAX_REASON, description="why; it is kept with the rule")


class CheckConditions(Request):
    name: Name = Field(description="the model's name")
    conditions: list[str] = Field(max_length=20, description="what a rule may ask of a version: accuracy >= 0.9")


class Decide(ById):
    note: str = Field(default="", max_length=MAX_REASON, description="why; it is kept with the request")


class DeprecateVersion(Request):
    version: str = Field(description="the version that should not be used for anything new: NAME@3")
    reason: str = Field(min_length=1, max_length=MAX_REASON, description="why; whoever uses it is told")
    successor: str | None = Field(default=None, description="the version to use instead")


class UndeprecateVersion(Request):
    version: str = Field(description="the version that may be used again: NAME@3")


class DiffVersions(ByVersion):
    other: str = Field(description="the version to compare it with: NAME, NAME@3 or NAME@alias")


class CheckList(BaseModel):
    checks: list[Check]


class AliasList(BaseModel):
    aliases: list[AliasPage]
    person: str = Field(description="who asks, as rules know them")


def set_alias(workspace: Workspace, request: AliasRequest) -> ModelSummary:
    """Point an alias at a version."""
    return summary(workspace, workspace.models.set_alias(request.name, request.alias, request.number))


def list_aliases(workspace: Workspace, request: ByName) -> AliasList:
    """A model's aliases with their history, rules and requests."""
    pages = list(workspace.models.aliases(request.name))
    return AliasList(aliases=pages, person=workspace.store.settings.person)


def get_alias(workspace: Workspace, request: OneAlias) -> AliasPage:
    """One alias with its history, its rule and the requests to move it."""
    return workspace.models.alias(request.name, request.alias)


def promote_version(workspace: Workspace, request: PromoteVersion) -> Moved:
    """Point an alias at a version as its rule allows, or ask a second person for it."""
    given = request.model_dump(exclude={"version"})
    return workspace.models.promote(request.version, **given)


def rollback_alias(workspace: Workspace, request: RollBackAlias) -> Moved:
    """Point an alias at where it pointed before; again, one step further back."""
    return workspace.models.rollback(**request.model_dump())


def remove_alias(workspace: Workspace, request: RemoveAlias) -> Moved:
    """Let an alias point at nothing."""
    return workspace.models.remove_alias(**request.model_dump())


def set_alias_rule(workspace: Workspace, request: SetRule) -> AliasPage:
    """Say what must hold before an alias moves, in place of its rule so far."""
    return workspace.models.set_rule(**request.model_dump())


def check_conditions(workspace: Workspace, request: CheckConditions) -> CheckList:
    """What conditions of a rule would say of a model's latest version, or how they are written; nothing is set."""
    return CheckList(checks=list(workspace.models.check_conditions(request.name, request.conditions)))


def approve_request(workspace: Workspace, request: Decide) -> Moved:
    """Move an alias as another asked for."""
    return workspace.models.approve(request.id, request.note)


def refuse_request(workspace: Workspace, request: Decide) -> MoveRequest:
    """Decide that an alias does not move as another asked for, or take back what one has asked oneself."""
    return workspace.models.refuse(request.id, request.note)


def deprecate_version(workspace: Workspace, request: DeprecateVersion) -> ModelSummary:
    """Say that a version should not be used for anything new; it loads as before."""
    version = workspace.models.deprecate(request.version, request.reason, request.successor)
    return summary(workspace, workspace.models.get(version.model))


def undeprecate_version(workspace: Workspace, request: UndeprecateVersion) -> ModelSummary:
    """Take back that a version should not be used."""
    return summary(workspace, workspace.models.get(workspace.models.undeprecate(request.version).model))


def diff_versions(workspace: Workspace, request: DiffVersions) -> VersionDiff:
    """What changes from one version to another, and what of it breaks callers."""
    return workspace.models.diff(request.version, request.other)


REGISTRY: tuple[Operation, ...] = (
    Operation("set_alias", "POST", "models/{name}/aliases", "write", AliasRequest, ModelSummary, set_alias),
    Operation("list_aliases", "GET", "models/{name}/aliases", "read", ByName, AliasList, list_aliases),
    Operation("get_alias", "GET", ALIAS, "read", OneAlias, AliasPage, get_alias),
    Operation("remove_alias", "DELETE", ALIAS, "write", RemoveAlias, Moved, remove_alias),
    Operation("promote_version", "POST", "models/promote", "execute", PromoteVersion, Moved, promote_version),
    Operation("rollback_alias", "POST", f"{ALIAS}/rollback", "execute", RollBackAlias, Moved, rollback_alias),
    Operation("set_alias_rule", "POST", f"{ALIAS}/rule", "write", SetRule, AliasPage, set_alias_rule),
    Operation(
        "check_conditions", "POST", "models/{name}/conditions", "read", CheckConditions, CheckList, check_conditions
    ),
    Operation("approve_request", "POST", "requests/{id}/approve", "execute", Decide, Moved, approve_request),
    Operation("refuse_request", "POST", "requests/{id}/refuse", "write", Decide, MoveRequest, refuse_request),
    Operation(
        "deprecate_version", "POST", "models/deprecate", "write", DeprecateVersion, ModelSummary, deprecate_version
    ),
    Operation(
        "undeprecate_version",
        "POST",
        "models/undeprecate",
        "write",
        UndeprecateVersion,
        ModelSummary,
        undeprecate_version,
    ),
    Operation(
        "diff_versions", "GET", "versions/{version}/diff/{other}", "read", DiffVersions, VersionDiff, diff_versions
    ),
)
