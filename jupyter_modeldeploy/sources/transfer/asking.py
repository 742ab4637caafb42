"""Ask a server's HTTP API for something small: tried again where that helps, read into what it should be."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from jupyter_modeldeploy.errors import Unavailable

ATTEMPTS = 4
FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 30.0
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
RESETS = re.compile(r";\s*r=0\s*;\s*t=(\d+)")
Answer = TypeVar("Answer")


def ask(
    client: httpx.Client,
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    params: Mapping[str, str | Sequence[str]] | None = None,
    json: Any = None,
    hint: str,
) -> httpx.Response:
    """The answer, whatever its status. What passes by itself is waited for, unless the server names a long wait.

    Raises Unavailable with `hint` where the server cannot be reached."""
    for attempt in range(1, ATTEMPTS + 1):
        delay = FIRST_DELAY_S * 2.0 ** (attempt - 1)
        try:
            response = client.request(method, url, headers=headers, params=params, json=json)
        except (httpx.TransportError, httpx.TooManyRedirects) as error:
            if attempt == ATTEMPTS or isinstance(error, (httpx.ConnectError, httpx.TooManyRedirects)):
                raise Unavailable(f"{httpx.URL(url).host} cannot be asked: {error}.", hint) from error
        else:
            named = wait_s(response)
            delay = delay if named is None else named
            if response.status_code not in TRANSIENT or attempt == ATTEMPTS or delay > LONGEST_DELAY_S:
                return response
        sleep(delay)
    raise AssertionError("the last attempt returns or raises")


def read(kind: type[Answer], response: httpx.Response, hint: str) -> Answer:
    """The JSON of an answer as `kind`. Raises Unavailable with `hint` where it is anything else."""
    try:
        return TypeAdapter(kind).validate_json(response.content)
    except ValidationError as error:
        url, wrong = response.request.url, error.errors()[0]["msg"]
        raise Unavailable(f"{url.host} does not answer {url.path} as expected: {wrong}.", hint) from error


def wait_s(response: httpx.Response) -> float | None:
    """Seconds that the answer asks to wait: by either form of Retry-After (RFC 9110, 10.2.3), else by the headers that
    say when a used-up rate limit begins anew."""
    value = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    if not value and (resets := RESETS.search(response.headers.get("ratelimit", ""))):
        return float(resets[1])
    reset = response.headers.get("x-ratelimit-reset", "")
    if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(0.0, float(reset) - time.time())
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
