"""`modeldeploy models …` and `modeldeploy datasets …`"""

from __future__ import annotations

from typing import Annotated

import typer

from jupyter_modeldeploy.cli import completion, dataset_page, registry, version_page, views
from jupyter_modeldeploy.cli.actions import ADD_DATASET, FETCH_DATASET
from jupyter_modeldeploy.cli.command import command
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.cli.group import group
from jupyter_modeldeploy.cli.loading import add_loading
from jupyter_modeldeploy.cli.operation import OperationCommand

app = group("See models and their versions, and name versions; alone it lists them.")
datasets = group("See and add labelled data; alone it lists them.")

LIST_DATASETS = OperationCommand(
    "list", "list_datasets", "List the datasets.", "modeldeploy datasets list", views.datasets
)

SHOW_DATASET = OperationCommand(
    "show",
    "get_dataset",
    "Show what a dataset holds: its split, its classes, and what to look at before training.",
    "modeldeploy datasets show reviews",
    dataset_page.show,
    ["dataset"],
)

MODELS = (
    OperationCommand(
        "list", "list_models", "List the models with their latest versions.", "modeldeploy models list", views.models
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


@command(app, "show", "modeldeploy models show sentiment@3")
def show(
    door: Door,
    name: Annotated[
        str,
        typer.Argument(help="a model, or one of its versions: NAME@3 or NAME@alias", autocompletion=completion.named),
    ],
) -> None:
    """Show a model's versions and how each was made; or all that is known of one version, with its model card."""
    if "@" in name:
        door.show(door.call("get_version", version=name), version_page.show)
    else:
        door.show(door.call("get_model", name=name), views.model)


for _command in (FETCH_DATASET, ADD_DATASET, LIST_DATASETS, SHOW_DATASET):
    _command.add_to(datasets)
registry.add_to(app)
add_loading(app)
