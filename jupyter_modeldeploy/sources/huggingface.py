"""Models of the Hugging Face Hub, or of a server that speaks its HTTP API (`HF_ENDPOINT`, `HF_TOKEN`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from jupyter_modeldeploy.errors import (
    Forbidden,
    InvalidInput,
    ModelDeployError,
    NotAuthenticated,
    NotFound,
    Overloaded,
    Unavailable,
)
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import archive, choice
from jupyter_modeldeploy.sources.cache import Cache
from jupyter_modeldeploy.sources.download import ensure_space, refusal
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.hf_api import RepoSibling

ASK_TIMEOUT_S = 30


class HuggingFaceSource:
    """`hf:org/name@revision#folder`; the revision is a branch, a tag or a commit, else the main branch."""

    local: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        from huggingface_hub import hf_hub_url

        commit, siblings = _ask(self._api(), reference)
        names = [one.rfilename for one in siblings]
        folder = f"{reference.path.strip('/')}/" if reference.path else ""
        below = [name.removeprefix(folder) for name in names if name.startswith(folder)]
        chosen = choice.choose(below, str(reference))
        facts = {one.rfilename: one for one in siblings}
        files = []
        for name in chosen:
            place = archive.relative_path(choice.flattened(name, chosen), str(reference))
            known = facts[folder + name]
            url = hf_hub_url(reference.name, folder + name, revision=commit, endpoint=self._api().endpoint)
            sha256 = known.lfs.sha256 if known.lfs else None
            files.append(RemoteFile(path=str(place), url=url, size=known.size, sha256=sha256))
        path = f"#{reference.path}" if reference.path else ""
        return Resolution(source=f"hf:{reference.name}@{commit}{path}", files=files)

    def headers(self, url: str) -> dict[str, str]:
        api = self._api()
        if api.token and urlsplit(url)[:2] == urlsplit(api.endpoint)[:2]:
            return {"Authorization": f"Bearer {api.token}"}
        return {}

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        contents = cache.get(resolution.files, reporter, f"Downloading {reference.name}")
        ensure_space(into, sum(content.stat().st_size for content in contents))
        for file, content in zip(resolution.files, contents, strict=True):
            target = into / file.path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(content, target)

    def _api(self) -> HfApi:
        """The client for listings, with the endpoint and the token that the environment names now."""
        from huggingface_hub import HfApi, get_token

        endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
        return HfApi(endpoint=endpoint, token=get_token() or False)


def _ask(api: HfApi, reference: Reference) -> tuple[str, list[RepoSibling]]:
    """The commit that the revision names now, and its files with their sizes and hashes."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]  # its client's base

    try:
        info = api.model_info(reference.name, revision=reference.revision, files_metadata=True, timeout=ASK_TIMEOUT_S)
    except HFValidationError as error:
        raise InvalidInput(f"{reference.name!r} is not a repository's name.", "Write hf:ORG/NAME@REVISION.") from error
    except OfflineModeIsEnabled as error:
        raise Unavailable(f"{reference} cannot be asked for: HF_HUB_OFFLINE is set.", "Unset it to fetch.") from error
    except HfHubHTTPError as error:
        raise _refusal(error, reference) from error
    except TransportError as error:
        raise Unavailable(
            f"The hub {urlsplit(api.endpoint).hostname} cannot be reached: {error}.",
            "Check the network, or name another hub with HF_ENDPOINT.",
        ) from error
    if not info.sha:
        raise Unavailable(f"The hub names no commit for {reference}.", "Ask who runs that hub.")
    return info.sha, info.siblings or []


def _refusal(error: HfHubHTTPError, reference: Reference) -> ModelDeployError:
    """What the hub's answer means. It says 401 for a private repository as well as for one that does not exist."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return Forbidden(
            f"{reference.name} is gated: its owner must grant access.",
            "Accept its terms on the hub's page with your account and set HF_TOKEN to a token of that account.",
        )
    if isinstance(error, RevisionNotFoundError):
        return NotFound(f"{reference.name} has no revision {reference.revision!r}.", "Check the branch, tag or commit.")
    if isinstance(error, RepositoryNotFoundError) and status == 401:
        return NotAuthenticated(
            f"{reference.name} does not exist or is private.", "Check the name; for a private one set HF_TOKEN."
        )
    if isinstance(error, RepositoryNotFoundError):
        return NotFound(f"The hub has no model {reference.name}.", "Check the name: hf:ORG/NAME.")
    if status == 429:
        return Overloaded(f"The hub asks for fewer requests ({reference.name}).", "Wait a minute and try again.")
    return refusal(status, f"The hub answered {status} for {reference.name}.")
