"""Small files, which are not worth to be resumed: each is asked for at once, over a connection that stays open."""

from __future__ import annotations

from pathlib import Path

import httpx

from jupyter_modeldeploy.errors import UnsafeContent
from jupyter_modeldeploy.sources.reference import RemoteFile
from jupyter_modeldeploy.sources.transfer import answers, body
from jupyter_modeldeploy.sources.transfer.digests import Digests
from jupyter_modeldeploy.sources.transfer.download import Headers
from jupyter_modeldeploy.sources.transfer.flow import INTERRUPTIONS, Flow, Patience
from jupyter_modeldeploy.sources.transfer.network import MAX_REDIRECTS, Client
from jupyter_modeldeploy.sources.transfer.plain_connection import Answer, PlainConnection

SMALL = 256 << 10
REDIRECTS = (301, 302, 303, 307, 308)
NOT_PLAIN = frozenset(("content-encoding", "content-range"))


class SmallFiles:
    """Brings small files for one thread. An origin's first goes through httpx; once that has answered it plainly, the
    others go over a `PlainConnection`."""

    def __init__(self, client: Client, flow: Flow) -> None:
        self._client, self._flow = client, flow
        self._common = dict(client.headers)  # by names in small letters
        self._plain: dict[tuple[str, bytes], PlainConnection] = {}

    def get(self, file: RemoteFile, headers: Headers) -> tuple[bytes, Digests]:
        """The verified content of a file of known size, at most SMALL bytes.

        Raises Unavailable after several attempts, Overloaded, UnsafeContent for a wrong hash or more bytes than
        announced."""
        assert file.size is not None
        patience = Patience(Path(file.path).name, file.url, self._flow)
        while True:
            try:
                content = self._content(file, headers())
            except INTERRUPTIONS as error:
                patience.wait(error, got_on=False, kept=0)
                continue
            digests = Digests(file, file.size)
            digests.update(content)
            if not digests.right:
                raise digests.wrong()
            return content, digests

    def close(self) -> None:
        for connection in self._plain.values():
            connection.close()

    def _content(self, file: RemoteFile, headers: dict[str, str]) -> bytes:
        url = httpx.URL(file.url)
        connection = self._plain.get(_origin(url))
        if connection is not None and not url.userinfo:
            content = self._plainly(connection, url, file, headers)
            if content is not None:
                return content
            self._plain.pop(_origin(url)).close()
        return self._streamed(file, headers)

    def _plainly(
        self, connection: PlainConnection, url: httpx.URL, file: RemoteFile, headers: dict[str, str]
    ) -> bytes | None:
        """None where the answer is not a plain one and has to be asked for again."""
        answer = self._followed(
            connection, url, self._common | {name.lower(): value for name, value in headers.items()}
        )
        if answer is None:
            return None
        if answer.status >= 400:
            refused = httpx.Response(answer.status, headers=answer.headers, request=httpx.Request("GET", url))
            answers.check(refused, file)
        if answer.status != 200 or not NOT_PLAIN.isdisjoint(answer.headers):
            return None
        answers.check_total(len(answer.body), file)
        self._flow.passed(len(answer.body))
        return answer.body

    def _followed(self, connection: PlainConnection, url: httpx.URL, headers: dict[str, str]) -> Answer | None:
        """The answer after redirects within the origin, for which the same headers are right."""
        answer = connection.get(url, headers, SMALL)
        for _ in range(MAX_REDIRECTS):
            if answer is None or answer.status not in REDIRECTS or "location" not in answer.headers:
                return answer
            try:
                target = url.join(answer.headers["location"])
            except httpx.InvalidURL:
                return None
            if target.userinfo or _origin(target) != _origin(url):
                return None
            url, answer = target, connection.get(target, headers, SMALL)
        return None

    def _streamed(self, file: RemoteFile, headers: dict[str, str]) -> bytes:
        size = file.size or 0
        content = bytearray()
        with self._client.stream("GET", file.url, headers=headers) as response:
            answers.check(response, file)
            found = answers.extent(response)
            answers.check_total(found.total, file)
            if found.start:
                raise answers.InterruptionError("the server sent another part than asked for")
            for chunk in body.chunks(response, found.length, self._flow.largest):
                content += chunk
                self._flow.passed(len(chunk))
                if len(content) > size:
                    raise UnsafeContent(
                        f"{Path(file.path).name} is larger than the {size} bytes announced.", "Nothing was kept."
                    )
        if len(content) < size:
            raise answers.InterruptionError(f"{len(content)} of {size} bytes arrived")
        self._learn(response)
        return bytes(content)

    def _learn(self, response: httpx.Response) -> None:
        """Remember the origin of an answer that was a plain one."""
        url = response.request.url
        within = all(_origin(one.request.url) == _origin(url) for one in response.history)
        plain = within and response.status_code == 200 and response.http_version == "HTTP/1.1" and not url.userinfo
        plain = plain and "content-length" in response.headers and self._flow.largest is None
        if plain and _origin(url) not in self._plain and self._client.is_direct(url):
            self._plain[_origin(url)] = PlainConnection(lambda: self._client.connect(url))


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc
