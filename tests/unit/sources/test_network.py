"""Downloads ask the public internet and what the user listed, in a first request as in every redirect."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from http_thread import Unlogged, answering

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.sources.transfer import network
from jupyter_modeldeploy.sources.transfer.addresses import SETTING, allowed_hosts, canonical, is_public

PRIVATE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.88.99.1"),
    *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
    *("64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "2001:0:7f00:1::"),
]
PUBLIC = [
    "203.0.113.80",
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
LOOPBACK_SPELLINGS = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "0"),
    *("localhost", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
]


class Server:
    """A local server: what it answers with is set by each test, what it was asked for is in `asked`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.locations: dict[str, str] = {}
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}"


class _Handler(Unlogged, BaseHTTPRequestHandler):
    owner: Server

    def do_GET(self) -> None:
        self.owner.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        location = self.owner.locations.get(self.path)
        self.send_response(302 if location else 200)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def make_server() -> Iterator[Callable[[], Server]]:
    with ExitStack() as running:

        def start() -> Server:
            server = Server()
            running.enter_context(answering(server.http))
            return server

        yield start


@pytest.fixture
def server(make_server: Callable[[], Server]) -> Server:
    return make_server()


@pytest.fixture(autouse=True)
def nothing_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def get(url: str, *hosts: str, **headers: str) -> httpx.Response:
    with network.client(hosts) as client:
        return client.get(url, headers=headers)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_told(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["0177.0.0.1", "0x7f.1", "017700000001", "2130706433", "127.1", "127.0.0.1."])
def test_every_spelling_of_an_address_is_read(host: str) -> None:
    assert canonical(host) == "127.0.0.1"


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_told(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
def test_this_machine_is_not_asked_however_it_is_spelled(host: str, server: Server) -> None:
    with pytest.raises(UnsafeContent, match=SETTING):
        get(f"http://{host}:{server.port}/")
    assert server.asked == []


def test_a_metadata_address_is_refused_with_the_setting_that_would_allow_it() -> None:
    with pytest.raises(UnsafeContent, match=r"169\.254\.169\.254 is not asked: it is a link-local") as caught:
        get("http://169.254.169.254/latest/meta-data/")
    assert f"{SETTING}: 169.254.169.254:80" in caught.value.hint


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "gopher://example.org/", "unix:///run/x"])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(UnsafeContent, match="Only http: and https: are"):
        get(url)


@pytest.mark.parametrize("listed", ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:{port}", "http://127.0.0.1:{port}/path"])
def test_what_is_listed_is_asked(listed: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, f"mirror.corp, {listed.format(port=server.port)}")
    assert get(f"{server.url}/a").status_code == 200


def test_a_name_that_is_listed_is_asked_wherever_it_is(server: Server) -> None:
    assert get(f"http://LocalHost:{server.port}/a", "localhost").status_code == 200


@pytest.mark.parametrize("listed", ["127.0.0.1:1", "localhost", "10.0.0.0/8", "http://127.0.0.1/"])
def test_what_is_listed_allows_nothing_else(listed: str, server: Server) -> None:
    with pytest.raises(UnsafeContent):
        get(f"{server.url}/a", listed)


@pytest.mark.parametrize("listed", ["10.0.0.0/99", "http://", "a/b", "host:port"])
def test_a_list_that_cannot_be_read_is_said(listed: str) -> None:
    with pytest.raises(InvalidInput, match=SETTING):
        allowed_hosts([listed])


def test_a_server_that_the_user_set_up_is_asked_but_leads_to_no_other_private_one(
    make_server: Callable[[], Server],
) -> None:
    mirror, other = make_server(), make_server()
    mirror.locations = {"/out": f"{other.url}/secret", "/within": "/a", "/file": "file:///etc/passwd"}
    assert get(f"{mirror.url}/within", mirror.url).url.path == "/a"
    for path in ("/out", "/file"):
        with pytest.raises(UnsafeContent):
            get(f"{mirror.url}{path}", mirror.url)
    assert other.asked == []
    assert get(f"{mirror.url}/out", mirror.url, other.url).url.path == "/secret"


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first look-up is public, every later one leads to this machine."""
    answers = iter(["192.0.2.1"])
    real, connected = socket.getaddrinfo, []

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        return real(next(answers, "127.0.0.1") if host == "rebind.test" else host, port, *args, **kwargs)

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(address[0])
        raise OSError("unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(httpx.ConnectError):
        get(f"http://rebind.test:{server.port}/")
    with pytest.raises(UnsafeContent):
        get(f"http://rebind.test:{server.port}/")
    assert connected == ["192.0.2.1"]


def test_private_addresses_of_a_name_are_passed_over(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    real = socket.getaddrinfo
    both = ["10.0.0.1", "127.0.0.1"]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *args, **kwargs: [
            one for address in (both if host == "both.test" else [host]) for one in real(address, port, *args, **kwargs)
        ],
    )
    assert get(f"http://both.test:{server.port}/a", "127.0.0.0/8").status_code == 200


def test_credentials_stay_with_the_server_they_are_for(make_server: Callable[[], Server]) -> None:
    home, away = make_server(), make_server()
    home.locations, away.locations = {"/": "/here", "/here": f"{away.url}/there"}, {"/there": f"{home.url}/back"}
    secret = {"Authorization": "Bearer s", "Private-Token": "s", "Cookie": "s=s", "Range": "bytes=1-"}
    get(f"{home.url}/", home.url, away.url, **secret)
    seen = {path: {name for name, value in headers.items() if value.endswith("s")} for path, headers in home.asked}
    assert seen["/here"] >= {"authorization", "private-token"}
    assert seen["/back"] == set()
    ((_, there),) = away.asked
    assert there["range"] == "bytes=1-"
    assert not {"authorization", "private-token", "cookie"} & set(there)


def test_a_proxy_may_be_private_but_is_not_asked_for_what_is_private(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    assert get("http://models.example/a").status_code == 200
    assert [path for path, _ in server.asked] == ["http://models.example/a"]
    for host in ("169.254.169.254", "2130706433", "localhost", "a.localhost", "[::1]"):
        with pytest.raises(UnsafeContent):
            get(f"http://{host}/")
    assert get("http://10.0.0.7/a", "10.0.0.7").status_code == 200
    assert len(server.asked) == 2


def test_a_host_that_the_proxy_is_not_for_is_looked_at_as_without_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(UnsafeContent):
        get(f"{server.url}/a")
    assert server.asked == []


def test_the_certificate_is_checked_against_the_name(make_server: Callable[[], Server], monkeypatch, tmp_path) -> None:
    import ssl

    import trustme

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name in network.BUNDLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = Server()
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    with answering(server.http):
        assert get(f"https://localhost:{server.port}/a", "localhost").status_code == 200
        with pytest.raises(httpx.ConnectError, match="certificate"):
            get(f"https://127.0.0.1:{server.port}/a", "127.0.0.1")
