"""The HTTP client that every source downloads with, and the guard on what it asks."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources.transfer.addresses import PORTS, SETTING, AllowedHosts, allowed_hosts, literal, refused

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
TIMEOUT = httpx.Timeout(30.0, connect=15.0)
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
MAX_REDIRECTS = 8
FIRST_ORIGIN = "first_origin"
FOR_EVERY_HOST = frozenset(
    ("accept", "accept-encoding", "connection", "host", "if-match", "if-range", "range", "user-agent")
)


class Client(httpx.Client):
    """A client whose `transport` also gives connections of their own, held to the same rules."""

    def __init__(self, transport: GuardedTransport, **settings: Any) -> None:
        super().__init__(transport=transport, **settings)
        self._guarded = transport

    def is_direct(self, url: httpx.URL) -> bool:
        """Whether the server itself is asked for `url`, and no proxy."""
        return self._guarded.proxy(url) is None

    def connect(self, url: httpx.URL) -> socket.socket:
        """A new connection to the server itself, with TLS for https. Raises UnsafeContent for an address that is not
        asked, and what httpcore raises."""
        return self._guarded.connect(url)


def client(allowed: Iterable[str] = ()) -> Client:
    """A client that follows redirects (never from https to http), proxies and certificates as the environment says.

    It asks the public internet, what JUPYTER_MODELDEPLOY_ALLOWED_HOSTS lists and `allowed`: host names,
    HOST:PORT, networks, or URLs of the servers that the user set up. Any other address raises UnsafeContent, in a
    first request as in a redirect. On a redirect to another origin only `FOR_EVERY_HOST` headers go along."""
    return Client(
        transport=GuardedTransport(allowed_hosts([*Settings().allowed_hosts, *allowed])),
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        headers={"Accept-Encoding": "identity", "User-Agent": "jupyter-modeldeploy"},
        event_hooks={"request": [_keep_credentials_home], "response": [_refuse_downgrade]},
    )


class GuardedTransport(httpx.BaseTransport):
    """Sends a request to an address that was looked at, or by the proxy that the environment names for it.

    A proxy looks names up by itself and connects where it likes, so there the guard sees only what is written in the
    URL: an address in any spelling, and names of this machine. What a proxy may reach is for whoever runs it to say;
    its own address may be private."""

    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed, self._trusted = allowed, trusted()
        self._direct = _DirectTransport(allowed, self._trusted)
        self._proxied: dict[str, httpx.HTTPTransport] = {}
        self._proxies: dict[tuple[str, str, int | None], str | None] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        scheme, host = request.url.scheme, request.url.raw_host.decode("ascii")
        if scheme not in PORTS or not host:
            raise UnsafeContent(
                f"{scheme}: addresses are not asked ({request.url.copy_with(userinfo=b'', query=None)}).",
                f"Only http: and https: are; {SETTING} does not change that.",
            )
        proxy = self.proxy(request.url)
        if proxy is None:
            return self._direct.handle_request(request)
        self._check_name(host, request.url.port or PORTS[scheme])
        if proxy not in self._proxied:
            self._proxied[proxy] = self._through(proxy)
        return self._proxied[proxy].handle_request(request)

    def proxy(self, url: httpx.URL) -> str | None:
        """The proxy for a URL: what the environment named when its host was first asked for."""
        place = (url.scheme, url.raw_host.decode("ascii"), url.port)
        if place not in self._proxies:
            self._proxies[place] = _proxy(*place)
        return self._proxies[place]

    def connect(self, url: httpx.URL) -> socket.socket:
        host = url.raw_host.decode("ascii")
        stream = _GuardedBackend(self._allowed).connect_tcp(host, url.port or PORTS[url.scheme], TIMEOUT.connect)
        if url.scheme == "https":
            stream = stream.start_tls(self._trusted, host, TIMEOUT.connect)
        connected: socket.socket = stream.get_extra_info("socket")
        connected.settimeout(TIMEOUT.read)
        return connected

    def close(self) -> None:
        self._direct.close()
        for transport in self._proxied.values():
            transport.close()

    def _check_name(self, host: str, port: int) -> None:
        """Refuse what a proxy must not be asked for, as far as the name tells."""
        name = host.lower().rstrip(".")
        local = name == "localhost" or name.endswith(".localhost")
        address = ipaddress.IPv4Address("127.0.0.1") if local else literal(host)
        if address is None or self._allowed.name(host, port) or self._allowed.address(address, port):
            return
        raise refused(host, port, address)

    def _through(self, proxy: str) -> httpx.HTTPTransport:
        try:
            return httpx.HTTPTransport(verify=self._trusted, limits=LIMITS, proxy=proxy)
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise InvalidInput(
                f"The proxy that the environment names cannot be used: {error}", "Correct HTTPS_PROXY or NO_PROXY."
            ) from error


class _DirectTransport(httpx.HTTPTransport):
    """httpx's transport over a pool whose connections are guarded: httpx itself offers no way to give it one."""

    def __init__(self, allowed: AllowedHosts, trusted: ssl.SSLContext) -> None:
        super().__init__(verify=trusted, limits=LIMITS)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=LIMITS.max_connections,
            max_keepalive_connections=LIMITS.max_keepalive_connections,
            keepalive_expiry=LIMITS.keepalive_expiry,
            network_backend=_GuardedBackend(allowed),
        )


class _GuardedBackend(httpcore.SyncBackend):
    """Looks a host up once and connects to the very addresses it has checked, so that a name which answers otherwise
    a moment later (DNS rebinding) gains nothing. TLS still checks the certificate against the name."""

    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._addresses(host, port):
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses of the host that may be connected to. Raises UnsafeContent where there are only others."""
        try:
            found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be looked up: {error}") from error
        if self._allowed.name(host, port):
            return found
        good = [one for one in found if self._allowed.address(ipaddress.ip_address(one), port)]
        if found and not good:
            raise refused(host, port, ipaddress.ip_address(found[0]))
        return good


def _proxy(scheme: str, host: str, port: int | None) -> str | None:
    """The proxy that the environment names for a URL, as urllib reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host if port is None else f"{host}:{port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def authority_file() -> str | None:
    """The certificate file or folder that the environment names, as requests, curl and OpenSSL read it."""
    return next((os.environ[name] for name in BUNDLES if os.environ.get(name)), None)


def trusted() -> ssl.SSLContext:
    """The certificate authorities to trust: those the environment names, else certifi's."""
    chosen = authority_file()
    if chosen is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        if Path(chosen).is_dir():
            return ssl.create_default_context(capath=chosen)
        return ssl.create_default_context(cafile=chosen)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            f"The certificates in {chosen} cannot be read: {error}.", f"Correct {' or '.join(BUNDLES)}."
        ) from error


def _keep_credentials_home(request: httpx.Request) -> None:
    """Leave out whatever might be a credential once a redirect leads away from where the first request went."""
    origin = (request.url.scheme, request.url.host, request.url.port or PORTS.get(request.url.scheme))
    if request.extensions.setdefault(FIRST_ORIGIN, origin) == origin:
        return
    for name in set(request.headers) - FOR_EVERY_HOST:
        del request.headers[name]


def _refuse_downgrade(response: httpx.Response) -> None:
    if not response.has_redirect_location or response.request.url.scheme != "https":
        return
    target = response.request.url.join(response.headers["location"])
    if target.scheme != "https":
        raise UnsafeContent(
            f"{response.request.url.host} redirects from https to {target.scheme}.", "Ask who runs that server."
        )
