"""Amazon S3 and the stores that speak its API, Alibaba Cloud OSS among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from jupyter_modeldeploy.errors import Forbidden, InvalidInput, NotAuthenticated, NotFound, Unavailable
from jupyter_modeldeploy.sources.places.object_store import Bucket, ObjectStoreSource, StoredObject, missing

if TYPE_CHECKING:
    from botocore.credentials import Credentials

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
OSS_HOST = re.compile(r"(?:s3\.)?(oss-[a-z0-9-]+?)(-internal)?\.aliyuncs\.com")
NULL_VERSION = "null"


class S3Source(ObjectStoreSource):
    """`s3://bucket/key?versionId=…`; credentials, region and endpoint as the AWS tools take them (`AWS_PROFILE`,
    `AWS_ACCESS_KEY_ID` …, `AWS_ENDPOINT_URL`); without credentials the bucket is asked anonymously."""

    version_name = "versionId"

    @property
    def allowed_hosts(self) -> list[str]:
        return [endpoint] if (endpoint := _endpoint()) else []

    def open(self, bucket: str) -> Bucket:
        return S3Bucket(bucket, "s3", _endpoint(), None, None)


class OSSSource(ObjectStoreSource):
    """`oss://bucket/key?versionId=…` through OSS's S3 API: `OSS_ENDPOINT` (https://oss-REGION.aliyuncs.com),
    `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET`, `OSS_SESSION_TOKEN`; without them anonymously."""

    version_name = "versionId"

    @property
    def allowed_hosts(self) -> list[str]:
        return [endpoint] if (endpoint := os.environ.get("OSS_ENDPOINT")) and "://" in endpoint else []

    def open(self, bucket: str) -> Bucket:
        endpoint = os.environ.get("OSS_ENDPOINT", "")
        if not endpoint:
            raise InvalidInput("oss: needs to know the region.", "Set OSS_ENDPOINT=https://oss-REGION.aliyuncs.com.")
        endpoint = endpoint if "://" in endpoint else f"https://{endpoint}"
        region = OSS_HOST.fullmatch(urlsplit(endpoint).hostname or "")
        if region and not (urlsplit(endpoint).hostname or "").startswith("s3."):
            endpoint = endpoint.replace("://", "://s3.", 1)
        keys = tuple(os.environ.get(f"OSS_{name}") for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SESSION_TOKEN"))
        return S3Bucket(bucket, "oss", endpoint, region[1] if region else None, keys)


class S3Bucket:
    """One bucket. `keys` are the access key, the secret and the token, or None for those of the AWS tools."""

    def __init__(
        self,
        name: str,
        scheme: str,
        endpoint: str | None,
        region: str | None,
        keys: tuple[str | None, ...] | None,
    ) -> None:
        self._name, self._scheme, self._endpoint, self._region, self._keys = name, scheme, endpoint, region, keys
        try:
            import s3fs  # noqa: F401
        except ImportError as error:
            raise missing(scheme, "s3fs") from error

    @cached_property
    def _credentials(self) -> Credentials | None:
        import botocore.session
        from botocore.credentials import Credentials

        if self._keys is None:
            return botocore.session.Session().get_credentials()
        key, secret, token = self._keys
        return Credentials(key, secret, token) if key and secret else None

    @cached_property
    def _files(self) -> Any:
        """fsspec's view of the store."""
        from s3fs import S3FileSystem

        known = self._credentials.get_frozen_credentials() if self._credentials else None
        virtual = self._region is not None  # OSS has only hosts per bucket; most other S3-like stores only paths
        styled = {"s3": {"addressing_style": "virtual" if virtual else "path"}} if self._endpoint else {}
        return S3FileSystem(
            anon=known is None,
            key=known.access_key if known else None,
            secret=known.secret_key if known else None,
            token=known.token if known else None,
            endpoint_url=self._endpoint,
            config_kwargs={"signature_version": "s3v4", **styled},
            client_kwargs={"region_name": self._region} if self._region else {},
            cache_regions=self._endpoint is None,
            version_aware=True,
            use_listings_cache=False,
            skip_instance_cache=True,
        )

    def find(self, key: str, version: str | None) -> StoredObject | None:
        with self._told(key):
            try:
                info = self._files.info(f"{self._name}/{key}", version_id=version, refresh=True)
            except FileNotFoundError:
                if version is not None:
                    raise
                return None
            return _stored(info, self._name) if info["type"] == "file" else None

    def list(self, prefix: str) -> list[StoredObject]:
        with self._told(prefix):
            pages = self._files.call_s3
            found, more = [], {"Bucket": self._name, "Prefix": prefix}
            while True:
                page = pages("list_objects_v2", **more)
                found += [StoredObject(one["Key"], one["Size"], one["ETag"]) for one in page.get("Contents", ())]
                if not page.get("IsTruncated"):
                    return found
                more["ContinuationToken"] = page["NextContinuationToken"]

    def url(self, one: StoredObject) -> str:
        version = f"?versionId={quote(one.version, safe='')}" if one.version else ""
        return self._signed(one.key).partition("?")[0] + version

    def headers(self, url: str) -> dict[str, str]:
        """Signature version 4, which holds for a quarter of an hour; a body that has begun may take longer."""
        if self._credentials is None:
            return {}
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("GET", url)
        S3SigV4Auth(self._credentials, "s3", self._signing_region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}

    @cached_property
    def _signing_region(self) -> str:
        """The region of the bucket, as the scope of a signed URL names it."""
        scope = parse_qs(urlsplit(self._signed("")).query)["X-Amz-Credential"][0]
        return scope.split("/")[2]

    def _signed(self, key: str) -> str:
        with self._told(key):
            return str(self._files.url(f"{self._name}/{key or 'key'}"))

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """This package's errors for those of the store."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        where = f"{self._scheme}://{self._name}/{key}"
        try:
            yield
        except FileNotFoundError as error:
            raise NotFound(
                f"There is no {where}.", "Check the bucket, the key, the version and the endpoint."
            ) from error
        except NoCredentialsError as error:
            raise NotAuthenticated(f"{where} needs credentials.", "Set AWS_PROFILE or AWS_ACCESS_KEY_ID …") from error
        except PermissionError as error:
            raise Forbidden(
                f"{where} may not be read: {error}.", "Ask for access, or give other credentials."
            ) from error
        except (BotoCoreError, ClientError, OSError, ValueError) as error:
            raise Unavailable(f"{where} cannot be asked: {error}.", "Check the network and the endpoint.") from error


def _stored(info: dict[str, Any], bucket: str) -> StoredObject:
    version = info.get("VersionId")
    version = None if version in (None, NULL_VERSION) else str(version)
    return StoredObject(str(info["name"]).removeprefix(f"{bucket}/"), int(info["size"]), str(info["ETag"]), version)


def _endpoint() -> str | None:
    return next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
