"""Services through the Jupyter server: `{base_url}modeldeploy/services/NAME/…` is the service's own `/…`.

Whoever may use the Jupyter server may ask the service, without its token: Jupyter's own authentication and authorizer
decide (`execute` on `modeldeploy`), and the service's token is put in here. Jupyter's cookies, token and XSRF header
are not passed on."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import Executor
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from jupyter_server_proxy.handlers import AddSlashHandler, ProxyHandler
from tornado.web import HTTPError, authenticated

from jupyter_modeldeploy.errors import ServiceFailed
from jupyter_modeldeploy.records import Service
from jupyter_modeldeploy.server.handlers import GuardedHandler
from jupyter_modeldeploy.workspace import Workspace

JUPYTERS_OWN = ("Authorization", "Cookie", "Host", "Origin", "Referer", "X-Xsrftoken")
NO_ACTIVITY = re.compile(r".*/(metrics|v2/health/(live|ready))$")
"""What monitoring asks over and over; it must not keep an idle server from being culled."""
RESPONSE_S = 3600.0  # the service's own limit comes first


class ServiceProxyHandler(GuardedHandler, ProxyHandler):  # type: ignore[misc]
    """Passes requests and WebSockets on to one running service."""

    workspace: Workspace
    executor: Executor

    def initialize(self, workspace: Workspace, executor: Executor) -> None:
        self.workspace, self.executor = workspace, executor
        self.exclude_last_activity_patterns = [NO_ACTIVITY]

    async def prepare(self) -> None:  # type: ignore[override]
        """Who asks, whether they may, and whether there is such a service; also before a WebSocket is opened."""
        await JupyterHandler.prepare(self)
        if self.current_user is None and "text/html" in self.request.headers.get("Accept", ""):
            authenticated(lambda handler: None)(self)
            return
        await self.check_allowed("execute")
        _ = self.xsrf_token  # sets the cookie, which the service's page sends back with what it asks
        self.name = self.path_kwargs["name"]
        loop = asyncio.get_running_loop()
        self.service: Service = await loop.run_in_executor(self.executor, self.workspace.services.running, self.name)
        self.service_token = await loop.run_in_executor(self.executor, self.workspace.services.token, self.name)
        self.unix_socket = self.service.spec.unix_socket
        self.proxy_base = url_path_join("modeldeploy/services", self.name)

    @allow_unauthenticated  # all of them are answered with our own 401 by prepare
    async def get(self, *args: str, **named: str) -> None:
        await ProxyHandler.get(self, *args, **named)

    @allow_unauthenticated
    async def head(self, name: str, path: str) -> None:
        await self._pass_on(path)

    @allow_unauthenticated
    async def options(self, name: str, path: str) -> None:
        await self._pass_on(path)

    @allow_unauthenticated
    async def post(self, name: str, path: str) -> None:
        await self._pass_on(path)

    async def http_get(self, name: str, path: str) -> None:
        await self._pass_on(path)

    async def open(self, name: str, path: str) -> None:
        await self.proxy_open(*self._address, path)

    async def on_message(self, message: str | bytes) -> None:
        """Wait until the service has taken the message: the next is read after that."""
        self._record_activity()
        await self.ws.write_message(message, binary=isinstance(message, bytes))

    def check_xsrf_cookie(self) -> None:
        """As everywhere in Jupyter, and not left to the service, which knows nothing of Jupyter's cookies."""
        JupyterHandler.check_xsrf_cookie(self)

    def get_client_uri(self, protocol: str, host: str, port: str, proxied_path: str) -> str:
        secure = str(self.service.url).startswith("https")
        url: str = super().get_client_uri(protocol + "s" * secure, host, port, proxied_path)
        before, _, query = url.partition("?")
        kept = [one for one in parse_qsl(query, keep_blank_values=True) if one[0] not in ("token", "_xsrf")]
        return f"{before}?{urlencode(kept)}" if kept else before

    def proxy_request_headers(self) -> Any:
        """What the client sent, less what is between it and Jupyter, with the service's token."""
        headers = super().proxy_request_headers()
        for name in list(headers):
            if name in JUPYTERS_OWN or name.startswith("Sec-Fetch-"):
                del headers[name]
        headers["X-Forwarded-For"] = self.request.remote_ip
        headers["X-Forwarded-Host"] = self.request.host
        headers["X-Forwarded-Proto"] = self.request.protocol
        if self.service_token is not None:
            headers["Authorization"] = f"Bearer {self.service_token}"
        return headers

    def proxy_request_options(self) -> dict[str, Any]:
        """The certificate of a service with TLS is not checked: it need not be made for the name `127.0.0.1`, and the
        address is from our own store."""
        return {"follow_redirects": False, "request_timeout": RESPONSE_S, "validate_cert": False}

    @property
    def _address(self) -> tuple[str, str]:
        if self.unix_socket is not None:
            return "localhost", "0"
        url = urlsplit(str(self.service.url))
        return str(url.hostname), str(url.port)

    def _check_host_allowlist(self, host: str) -> bool:
        """The supervisor listens to this machine alone, whichever of its addresses that is."""
        return True

    async def _pass_on(self, path: str) -> None:
        try:
            await self.proxy(*self._address, path)
        except HTTPError as error:
            raise ServiceFailed(
                f"The service {self.name!r} did not answer: {error.log_message}.", "See its log, and try again."
            ) from error


def handlers(workspace: Workspace, executor: Executor) -> list[tuple[Any, ...]]:
    """The routes of all services."""
    return [
        ("/modeldeploy/services/[^/]+", AddSlashHandler),
        (
            "/modeldeploy/services/(?P<name>[^/]+)(?P<path>/.*)",
            ServiceProxyHandler,
            {"workspace": workspace, "executor": executor},
        ),
    ]
