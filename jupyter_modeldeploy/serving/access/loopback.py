"""Addresses that mean this machine alone."""

from __future__ import annotations

import ipaddress

from jupyter_modeldeploy.errors import InvalidInput


def is_loopback(host: str) -> bool:
    """Whether the name or address means this machine, whoever asks."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_loopback(host: str) -> None:
    """Raise InvalidInput unless `host` is an address of this machine alone."""
    if not is_loopback(host):
        raise InvalidInput(
            f"A service cannot listen on {host!r} in this release.",
            "Use 127.0.0.1, and a proxy with TLS in front of it to reach the service from elsewhere.",
        )
