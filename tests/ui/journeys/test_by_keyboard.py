"""The whole way by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Page
from ui.journeys.driving import Keyboard
from ui.journeys.whole_way import Files, Journey

from jupyter_modeldeploy import Workspace


def test_from_an_empty_workspace_to_everything_stopped_by_keyboard(
    window: Page, workspace: Workspace, belongings: Files
) -> None:
    Journey(Keyboard(window), belongings).go()
    assert all(job.state.ended for job in workspace.jobs.list())
    assert all(service.state.ended for service in workspace.services.list())
