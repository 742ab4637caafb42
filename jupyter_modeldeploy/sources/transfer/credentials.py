"""Users and passwords for servers, from where the user keeps them."""

from __future__ import annotations

import base64
import netrc
import os
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP's basic authentication (RFC 7617)."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def from_netrc(host: str) -> dict[str, str]:
    """The header with what the netrc file (`NETRC`, else `~/.netrc`) has for this very host; empty where it has
    nothing. Its `default` entry is not used: it would go to every host. Raises InvalidInput for a malformed file."""
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        entry = netrc.netrc(str(path)).hosts.get(host)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (netrc.NetrcParseError, UnicodeDecodeError, PermissionError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise InvalidInput(
            f"{path} cannot be read: {reason}.", "Correct it, or name another file with NETRC."
        ) from error
    return basic(entry[0] or "", entry[2] or "") if entry else {}
