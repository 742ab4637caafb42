"""In a notebook, what the façade gives back shows itself as a panel; elsewhere it stays as it is.

IPython looks the types up by their names, so nothing of this is imported before the first of them is shown."""

from __future__ import annotations

import sys
from typing import Any

SHOWN = (
    ("jupyter_modeldeploy.records.experiments", "Experiment"),
    ("jupyter_modeldeploy.records.jobs", "Job"),
    ("jupyter_modeldeploy.records.models", "Model"),
    ("jupyter_modeldeploy.records.models", "Version"),
    ("jupyter_modeldeploy.records.services", "Service"),
    ("jupyter_modeldeploy.workspace.handle", "JobHandle"),
)


def register() -> None:
    """Let the kernel around this show what is `SHOWN` as panels; does nothing where there is none."""
    ipython = sys.modules.get("IPython")
    shell: Any = None if ipython is None else ipython.get_ipython()
    if hasattr(shell, "kernel"):
        bundles = shell.display_formatter.mimebundle_formatter
        for module, name in SHOWN:
            bundles.for_type_by_name(module, name, _bundle)


def _bundle(shown: Any, **_chosen: Any) -> dict[str, Any]:
    """The panel and its fallback by their media types; IPython itself leaves out what is not asked for."""
    from jupyter_modeldeploy.widgets.shown import bundle

    return bundle(shown)
