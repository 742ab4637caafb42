"""Google Cloud Storage, through its JSON API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from jupyter_modeldeploy.errors import Forbidden, NotAuthenticated, NotFound, Unavailable
from jupyter_modeldeploy.sources.places.object_store import Bucket, ObjectStoreSource, StoredObject, missing


class GCSSource(ObjectStoreSource):
    """`gs://bucket/key?generation=…`; credentials as Google's tools take them (GOOGLE_APPLICATION_CREDENTIALS, `gcloud
    auth application-default login`), else anonymously."""

    version_name = "generation"

    @property
    def allowed_hosts(self) -> list[str]:
        endpoint = os.environ.get("STORAGE_EMULATOR_HOST", "")
        return [endpoint] if "://" in endpoint else []

    def open(self, bucket: str) -> Bucket:
        return GCSBucket(bucket)


class GCSBucket:
    def __init__(self, name: str) -> None:
        self._name = name
        try:
            import gcsfs  # noqa: F401
        except ImportError as error:
            raise missing("gs", "gcsfs") from error

    @cached_property
    def _files(self) -> Any:
        from gcsfs.core import GCSFileSystem

        return GCSFileSystem(version_aware=True, use_listings_cache=False, skip_instance_cache=True)

    def find(self, key: str, version: str | None) -> StoredObject | None:
        with self._told(key):
            try:
                info = self._files.info(f"{self._name}/{key}", generation=version)
            except FileNotFoundError:
                if version is not None:
                    raise
                return None
            return self._stored(info) if info["type"] == "file" else None

    def list(self, prefix: str) -> list[StoredObject]:
        with self._told(prefix):
            found = self._files.find(f"{self._name}/{prefix}", detail=True).values()
            return [self._stored(one) for one in found if one["type"] == "file"]

    def url(self, one: StoredObject) -> str:
        return str(self._files.url(f"{self._name}/{one.key}", generation=one.version))

    def headers(self, url: str) -> dict[str, str]:
        found: dict[str, str] = {}
        with self._told(""):
            self._files.credentials.apply(found)
        return found

    def _stored(self, info: dict[str, Any]) -> StoredObject:
        key = str(info["name"]).removeprefix(f"{self._name}/").partition("#")[0]
        version = str(info["generation"]) if info.get("generation") else None
        return StoredObject(key, int(info["size"]), str(info.get("etag", "")), version)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """This package's errors for those of the store."""
        from gcsfs.retry import HttpError
        from google.auth.exceptions import GoogleAuthError

        where = f"gs://{self._name}/{key}"
        try:
            yield
        except FileNotFoundError as error:
            raise NotFound(f"There is no {where}.", "Check the bucket, the key and the generation.") from error
        except GoogleAuthError as error:
            hint = "Run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS."
            raise NotAuthenticated(f"{where} needs other credentials: {error}.", hint) from error
        except (HttpError, OSError, ValueError) as error:
            if isinstance(error, PermissionError) or getattr(error, "code", None) in (401, 403):
                raise Forbidden(f"{where} may not be read: {error}.", "Ask for access, or give credentials.") from error
            raise Unavailable(f"{where} cannot be asked: {error}.", "Check the network.") from error
