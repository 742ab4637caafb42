"""`modeldeploy search`"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.operation import OperationCommand
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.fetching import FoundModels


def found_models(door: Door, response: FoundModels) -> None:
    if not response.models:
        door.tell("Nothing was found. Try fewer words, another --task or another --source.")
        return
    rows = table("Fetch it by", "Task", ">Downloads", ">Likes", "Licence")
    for model in response.models:
        counts = ("" if count is None else f"{count:,}" for count in (model.downloads, model.likes))
        licence = ", ".join(part for part in (model.license, "access on request" if model.gated else None) if part)
        rows.add_row(printable(model.source), printable(model.task or ""), *counts, printable(licence))
    door.out.print(rows)
    door.suggest("Fetch the first", f"fetch {printable(response.models[0].source)}")


SEARCH = OperationCommand(
    "search",
    "search_models",
    "Search the models of a hub.",
    "modeldeploy search minilm --task sentence-similarity --sort downloads --limit 5",
    found_models,
    ["query"],
)
