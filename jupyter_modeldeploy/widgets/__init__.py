"""Panels in notebooks and Voila: the views of the sidebar and the pages, over the kernel's own connection.

from jupyter_modeldeploy.widgets import ServicePanel

panel = ServicePanel("reviews")
panel.observe(lambda change: print(change["new"]), "service")
panel
"""

from __future__ import annotations

from jupyter_modeldeploy.widgets.panel import Panel
from jupyter_modeldeploy.widgets.panels import (
    DevicesPanel,
    FineTunePanel,
    JobPanel,
    ModelsPanel,
    OptimizePanel,
    ReportPanel,
    ServicePanel,
)

__all__ = [
    "DevicesPanel",
    "FineTunePanel",
    "JobPanel",
    "ModelsPanel",
    "OptimizePanel",
    "Panel",
    "ReportPanel",
    "ServicePanel",
]
