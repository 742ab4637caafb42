"""What Linux's control groups leave this process of the machine: a container or a batch system may grant less than
the hardware has. Reads both versions of the interface (kernel.org: cgroup-v1/, cgroup-v2.rst)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class Limits:
    """The least that any of the groups around this process allows; None where none sets a limit.

    `cores` is processor time per time, `memory_used` belongs to the group that sets `memory_bytes` (page cache that
    can be dropped at once left out)."""

    cores: float | None = None
    memory_bytes: int | None = None
    memory_used: int | None = None


def limits(mount: Path = MOUNT, membership: Path = MEMBERSHIP) -> Limits:
    """The limits on this process; none at all on a system without control groups."""
    own = _memberships(membership)
    cores = [quota for group in _groups(mount, "cpu", own) if (quota := _quota(group)) is not None]
    bounded = [(limit, group) for group in _groups(mount, "memory", own) if (limit := _memory_limit(group)) is not None]
    if not bounded:
        return Limits(cores=min(cores, default=None))
    limit, group = min(bounded, key=lambda pair: pair[0])
    return Limits(cores=min(cores, default=None), memory_bytes=limit, memory_used=_memory_used(group))


def _memberships(path: Path) -> dict[str, str]:
    """The process's group by controller; the key "" is version 2's one hierarchy."""
    own: dict[str, str] = {}
    for line in _read(path).splitlines():
        _, controllers, group = line.split(":", 2)
        own.update(dict.fromkeys(controllers.split(","), group))
    return own


def _groups(mount: Path, controller: str, own: dict[str, str]) -> Iterator[Path]:
    """The folders of the group and of those around it; the innermost first.

    In a container, the path named by the kernel may lie outside of what is mounted: only the mount's own folder is
    left then, which is the container's group."""
    top, path = (mount / controller, own[controller]) if controller in own else (mount, own.get("", "/"))
    group = top / path.strip("/")
    while group.is_relative_to(top):
        if group.is_dir():
            yield group
        if group == top:
            return
        group = group.parent


def _quota(group: Path) -> float | None:
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if not quota:
        quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _memory_limit(group: Path) -> int | None:
    text = _read(group / "memory.max") or _read(group / "memory.limit_in_bytes")
    return int(text) if text.isdigit() else None


def _memory_used(group: Path) -> int | None:
    used = _read(group / "memory.current") or _read(group / "memory.usage_in_bytes")
    if not used.isdigit():
        return None
    stat = dict(line.split() for line in _read(group / "memory.stat").splitlines())
    return int(used) - int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # this version or system has no such file
        return ""
