"""HTTP/1.1 over a kept-alive connection for the plainest of requests: the many small files of a repository.

Of such a file's time most went into the HTTP library: httpx takes 0.40 ms of processor time a request, http.client
0.07 ms (2 cores, nginx on loopback). What is not plain is still for httpx: redirects to elsewhere, proxies, parts,
compressed bodies, bandwidth limits."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

import httpx

from jupyter_modeldeploy.sources.transfer.answers import InterruptionError


class Answer(NamedTuple):
    """An answer that arrived whole. The names of its headers are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


class PlainConnection:
    """To one origin, for one thread. `open_socket()` connects to it, past the guard on hosts."""

    def __init__(self, open_socket: Callable[[], socket.socket]) -> None:
        self._http = _GuardedConnection(open_socket)

    def get(self, url: httpx.URL, headers: Mapping[str, str], most: int) -> Answer | None:
        """The answer to a GET; None where it does not tell its length, or more than `most` bytes: ask otherwise. The
        names in `headers` are in small letters.

        Raises InterruptionError where there is none or it ends early, and what `open_socket` raises."""
        reused = self._http.sock is not None
        try:
            return self._exchange(url, headers, most)
        except InterruptionError:
            if not reused:
                raise
            return self._exchange(url, headers, most)  # servers close what was idle for long

    def close(self) -> None:
        self._http.close()

    def _exchange(self, url: httpx.URL, headers: Mapping[str, str], most: int) -> Answer | None:
        answer = None
        try:
            target, host = url.raw_path.decode("ascii"), url.netloc.decode("ascii")
            self._http.request("GET", target, headers={"host": host, **headers})
            response = self._http.getresponse()
            if response.length is not None and response.length <= most:
                told = {name.lower(): value for name, value in response.getheaders()}
                answer = Answer(response.status, told, response.read())
        except (OSError, HTTPException) as error:
            raise InterruptionError(str(error) or type(error).__name__) from error
        except ValueError:
            return None  # a header that cannot be sent
        finally:
            if answer is None:
                self._http.close()
        return answer


class _GuardedConnection(HTTPConnection):
    def __init__(self, open_socket: Callable[[], socket.socket]) -> None:
        super().__init__("")
        self._open_socket = open_socket

    def connect(self) -> None:
        self.sock = self._open_socket()
