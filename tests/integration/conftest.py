"""A real Jupyter server with the extension, that lets nobody in without authentication."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def jp_server_config(root: Path) -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_modeldeploy": True}, "allow_unauthenticated_access": False},
        "ModelDeployApp": {"root": str(root)},
    }
