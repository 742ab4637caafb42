"""What is recorded of a service, as others than its processes meet it: outcomes, also late ones of a service that is
stopped, and its log of requests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from jupyter_modeldeploy.errors import NotFound, Overloaded, from_os_error
from jupyter_modeldeploy.experiments.spool import FOLDER, Spool
from jupyter_modeldeploy.serving.control.journal import REQUEST_LOG
from jupyter_modeldeploy.serving.control.outcomes import MOST, not_recording, rows_of
from jupyter_modeldeploy.store import Store


def record_outcomes(store: Store, name: str, outcomes: Sequence[Mapping[str, Any]]) -> int:
    """Keep the outcomes for whoever compares the service's versions, and give how many that are.

    Raises NotFound, Conflict where the service records no exposures, InvalidInput that says which one is wrong (then
    none was taken), Overloaded where there is no room, StorageFull."""
    if not store.services.get(name).spec.recording.exposures:
        raise not_recording(name)
    now = time.time()
    parts = [{"outcomes": [dict(one) for one in outcomes[at : at + MOST]]} for at in range(0, len(outcomes), MOST)]
    lines = [orjson.dumps({"outcomes": rows_of(part, now)}) for part in parts]
    spool = Spool(store.service_folder(name) / FOLDER)
    try:
        if not spool.has_room(sum(map(len, lines))):
            raise Overloaded(
                f"The records of {name!r} are full, and nobody counts them.", "Run an experiment on it, which does."
            )
        if lines:
            spool.write([], [], lines, len(outcomes), 0)
    except OSError as error:
        raise from_os_error(error, "recording outcomes") from error
    return len(outcomes)


def request_log(store: Store, name: str) -> Path:
    """The file with the requests of a service. Raises NotFound where it keeps none."""
    path = store.service_folder(name) / REQUEST_LOG
    if not path.exists():
        raise NotFound(f"The service {name!r} has no records of requests.", "Serve it with --log-sample 1.")
    return path
