"""`modeldeploy models …` and `modeldeploy datasets …`"""

from __future__ import annotations

import typer

from jupyter_modeldeploy.cli import completion, views
from jupyter_modeldeploy.cli.actions import ADD_DATASET
from jupyter_modeldeploy.cli.operation import OperationCommand

app = typer.Typer(no_args_is_help=True, help="See models and their versions, and name versions.")
datasets = typer.Typer(no_args_is_help=True, help="See and add tables of labelled texts.")

LIST_DATASETS = OperationCommand(
    "list", "list_datasets", "List the datasets.", "modeldeploy datasets list", views.datasets
)

MODELS = (
    OperationCommand(
        "list", "list_models", "List the models with their latest versions.", "modeldeploy models list", views.models
    ),
    OperationCommand(
        "show",
        "get_model",
        "Show a model's versions: how each was made, its size and its accuracy.",
        "modeldeploy models show sentiment",
        views.model,
        ["name"],
        {"name": completion.models},
    ),
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
        "trust",
        "trust_version",
        "Let a version in quarantine be loaded; who said so, when and why is kept with it.",
        'modeldeploy models trust sentiment@3 --reason "I read modeling.py"',
        views.model,
        ["version"],
    ),
    OperationCommand(
        "distrust",
        "distrust_version",
        "Put a trusted version back into quarantine; services that have loaded it keep running.",
        "modeldeploy models distrust sentiment@3",
        views.model,
        ["version"],
    ),
)

for _command in MODELS:
    _command.add_to(app)
for _command in (ADD_DATASET, LIST_DATASETS):
    _command.add_to(datasets)
