"""Fetch, fine-tune, optimise, serve, profile and compare models, from JupyterLab, notebooks, scripts and the shell."""

from __future__ import annotations
