"""What a whole run found, as one HTML file and as tables on a terminal."""

from jupyter_modeldeploy.reporting.html import render
from jupyter_modeldeploy.reporting.report import Report
from jupyter_modeldeploy.reporting.terminal import terminal

__all__ = ["Report", "render", "terminal"]
