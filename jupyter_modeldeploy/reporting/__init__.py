"""What was found, as HTML files, Markdown and JSON."""

from jupyter_modeldeploy.reporting.html import render
from jupyter_modeldeploy.reporting.report import Report

__all__ = ["Report", "render"]
