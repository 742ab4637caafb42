"""Files and archives by their URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import httpx

from jupyter_modeldeploy.errors import InvalidInput, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.places import one_file, pinned
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer import network
from jupyter_modeldeploy.sources.transfer.addresses import PORTS, SETTING, allowed_hosts
from jupyter_modeldeploy.sources.transfer.answers import refusal
from jupyter_modeldeploy.sources.transfer.cache import Cache
from jupyter_modeldeploy.sources.transfer.credentials import from_netrc

UNNAMED = "download"
PAGE = "text/html"
PAGE_SUFFIXES = (".html", ".htm")


class WebSource:
    """`https://host/path/model.tar.gz#folder/in/it&sha256=HEX`: one file, or an archive, which is unpacked.

    A lone ONNX file is named `model.onnx`, an archive's one top folder is left out. `http:` is for content whose hash
    is given and for listed hosts only: anybody on the way could put something else in its place."""

    local: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        """Raises also Conflict where the reference pins what the server no longer has."""
        fragment = pinned.fragment(reference)
        url = self._url(reference, fragment.sha256)
        with network.client() as client, _asked(client, url, self.headers(url)) as response:
            name = _name(response, url)
            found = _state(response)
            length = response.headers.get("content-length", "")
        fragment.check(url, found)
        if fragment.path and not archive.is_archive(name):
            raise InvalidInput(f"{name} is not an archive, so there is no {fragment.path!r} in it.", "Leave out #PATH.")
        pins = dict([next(iter(found.items()), ("fetched", pinned.now()))])
        told = "" if fragment.sha256 or "etag" in pins else pinned.Fragment("", {}).text(**pins)
        file = RemoteFile(
            path=name,
            url=url + told,  # the cache tells contents apart by it; a fragment is not sent
            size=int(length) if length.isdigit() and "content-encoding" not in response.headers else None,
            sha256=fragment.sha256,
            etag=pins.get("etag"),
        )
        return Resolution(source=url + fragment.text(**pins), files=[file], selection=selection)

    def headers(self, url: str) -> dict[str, str]:
        parts = httpx.URL(url)
        protected = parts.scheme == "https" or self._listed(parts)
        return from_netrc(parts.host) if protected else {}

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        (file,) = resolution.files
        (content,) = cache.get(resolution.files, reporter, f"Downloading {file.path}")
        one_file.put(content, file.path, pinned.fragment(reference).path, into, resolution.selection)

    def _listed(self, url: httpx.URL) -> bool:
        """Whether the user vouches for the host, and so for the way to it."""
        return allowed_hosts(self._settings.allowed_hosts).lists(url.host, url.port or PORTS[url.scheme])

    def _url(self, reference: Reference, sha256: str | None) -> str:
        """The URL to ask, without its fragment. Raises InvalidInput and UnsafeContent."""
        text = f"{reference.scheme}:{reference.name}"
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise InvalidInput(f"{text} is not a URL: {error}.", "Write https://HOST/PATH.") from error
        if not url.host:
            raise InvalidInput(f"{text} names no host.", "Write https://HOST/PATH.")
        if url.userinfo:
            raise InvalidInput(
                f"The URL for {url.host} holds a user or a password, which would be recorded with what it brings.",
                f"Leave them out and put them into ~/.netrc: machine {url.host} login USER password PASSWORD.",
            )
        if url.scheme == "http" and not sha256 and not self._listed(url):
            raise UnsafeContent(
                f"{text} would come unprotected: anybody on the way could put something else in its place.",
                f"Use https:, or give its hash: #sha256=HEX, or list the host in {SETTING}.",
            )
        return text


@contextmanager
def _asked(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """What the server says of a URL: its answer to HEAD, else (a link signed for GET) to a GET whose body is left."""
    host = httpx.URL(url).host
    try:
        response = client.head(url, headers=headers)
        if response.is_success:
            yield _checked(response, url)
            return
        with client.stream("GET", url, headers=headers) as response:
            yield _checked(response, url)
    except (httpx.TransportError, httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise Unavailable(f"{host} cannot be asked for {urlsplit(url).path}: {error}.", "Try again later.") from error


def _checked(response: httpx.Response, url: str) -> httpx.Response:
    path = urlsplit(url).path
    if not response.is_success:
        raise refusal(response.status_code, f"{response.url.host} answered {response.status_code} for {path}.")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == PAGE and not path.lower().endswith(PAGE_SUFFIXES):
        raise InvalidInput(
            f"{response.url.copy_with(query=None, fragment=None)} is a web page (a listing, or a login), not a file.",
            "Name the file itself: copy the address of its download link.",
        )
    return response


def _state(response: httpx.Response) -> dict[str, str]:
    """What tells this content from another, the best first: the ETag, the time of the last change."""
    named = {"etag": response.headers.get("etag"), "modified": response.headers.get("last-modified")}
    return {name: value for name, value in named.items() if value}


def _name(response: httpx.Response, url: str) -> str:
    """The file's name: as the server says (RFC 6266: only its last part counts), else the URL's last part."""
    message = Message()
    message["Content-Disposition"] = response.headers.get("content-disposition", "")
    paths = [urlsplit(one).path for one in (url, str(response.url))]
    for candidate in (message.get_filename() or "", *(unquote(path) for path in paths)):
        name = re.split(r"[/\\]", candidate)[-1]
        if name and _is_fine(name):
            return name
    return UNNAMED


def _is_fine(name: str) -> bool:
    try:
        archive.portable(name, "")
    except UnsafeContent:
        return False
    return True
