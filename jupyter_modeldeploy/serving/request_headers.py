"""The headers by which a request says whose it is. Names in lower case."""

from __future__ import annotations

UNIT_HEADER, ID_HEADER, ATTRIBUTE_HEADER = b"x-unit-id", b"x-request-id", b"x-attribute-"
