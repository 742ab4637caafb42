"""Who may call a service: only this machine, and there whoever holds a token of it or, without any, every program."""

from __future__ import annotations

from jupyter_modeldeploy.serving.access.guards import ANYBODY, Guard, Headers, guard, is_same_origin
from jupyter_modeldeploy.serving.access.loopback import is_loopback, require_loopback

__all__ = ["ANYBODY", "Guard", "Headers", "guard", "is_loopback", "is_same_origin", "require_loopback"]
