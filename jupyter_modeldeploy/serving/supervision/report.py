"""What a supervisor tells of its replicas, in the words of `status.json` and `live.json`."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.serving.supervision import documents
from jupyter_modeldeploy.serving.supervision.member import Member
from jupyter_modeldeploy.serving.supervision.slot import Slot

log = logging.getLogger(__name__)


class Told:
    """The documents in `folder` as they were last written: again only where they have something new to say."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._status: dict[str, Any] = {}
        self._business: list[dict[str, Any]] = []

    def status(self, status: dict[str, Any]) -> None:
        if status == self._status:
            return
        try:
            documents.write(self._folder, documents.STATUS, status)
        except OSError as error:  # it is tried again at the next step; serving goes on
            log.error("the status cannot be written: %s", error)
        else:
            self._status = status

    def live(self, members: Sequence[Member]) -> None:
        figures = live(members)
        if business(figures) == self._business:
            return
        try:
            documents.write(self._folder, documents.LIVE, figures)
        except OSError as error:
            log.error("the live figures cannot be written: %s", error)
        self._business = business(figures)


def replicas(members: Sequence[Member], slots: dict[int, Slot]) -> list[dict[str, Any]]:
    """Which server processes there are, what they do, and how those before them ended."""
    return [
        {
            "index": member.index,
            "pid": member.pid,
            "state": "draining" if member.draining else "ready" if member.ready else "starting",
            "restarts": slots[member.index].restarts,
            "last_exit": slots[member.index].last_exit,
        }
        for member in members
    ]


def live(members: Sequence[Member]) -> dict[str, Any]:
    """What each is busy with."""
    return {
        "replicas": [
            {
                "index": member.index,
                "pid": member.pid,
                "rps": round(member.rps, 1),
                "utilization": round(member.utilization, 2),
                **member.vitals,
            }
            for member in members
        ]
    }


def business(told: dict[str, Any]) -> list[dict[str, Any]]:
    """What of `live` is worth writing again: that idle processes use a little time is not."""
    return [{**one, "cpu_s": 0, "utilization": 0} for one in told["replicas"]]


def identity() -> dict[str, Any]:
    """This process as `records.ProcessRef` tells it from a later one."""
    started: dict[str, Any] = {"pid": os.getpid(), "started": time.time(), "started_after_boot": None}
    if (stat := Path("/proc/self/stat")).exists():
        fields = stat.read_bytes().rpartition(b")")[2].split()
        started["started_after_boot"] = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return started
