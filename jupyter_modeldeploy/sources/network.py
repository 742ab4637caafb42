"""The HTTP client that every source downloads with."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import httpx

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
TIMEOUT = httpx.Timeout(30.0, connect=15.0)
MAX_REDIRECTS = 8


def client() -> httpx.Client:
    """A client that follows redirects (never from https to http), proxies and certificates as the environment says."""
    return httpx.Client(
        verify=trusted(),
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        headers={"Accept-Encoding": "identity", "User-Agent": "jupyter-modeldeploy"},
        event_hooks={"response": [_refuse_downgrade]},
    )


def authority_file() -> str | None:
    """The certificate file or folder that the environment names, as requests, curl and OpenSSL read it."""
    return next((os.environ[name] for name in BUNDLES if os.environ.get(name)), None)


def trusted() -> ssl.SSLContext | bool:
    """The certificate authorities to trust: those the environment names, else certifi's."""
    chosen = authority_file()
    if chosen is None:
        return True
    try:
        if Path(chosen).is_dir():
            return ssl.create_default_context(capath=chosen)
        return ssl.create_default_context(cafile=chosen)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            f"The certificates in {chosen} cannot be read: {error}.", f"Correct {' or '.join(BUNDLES)}."
        ) from error


def _refuse_downgrade(response: httpx.Response) -> None:
    if not response.has_redirect_location or response.request.url.scheme != "https":
        return
    target = response.request.url.join(response.headers["location"])
    if target.scheme != "https":
        raise UnsafeContent(
            f"{response.request.url.host} redirects from https to {target.scheme}.", "Ask who runs that server."
        )
