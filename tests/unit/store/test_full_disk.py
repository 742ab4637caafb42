"""A full disk during any write leaves the store and the artifacts as they were."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from small_disk import run_on_small_disk

SCRIPT = """
import json, os, sys
from pathlib import Path
from jupyter_modeldeploy.errors import StorageFull
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

disk = Path(sys.argv[1])
store = Store(Settings(disk / "root"))

def new(source):
    return NewVersion(model="m", format=Format.onnx, task="tensor", lineage=Lineage(step=Step.fetched, source=source))

def fill(leave):
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with open(disk / "ballast", "wb") as file:
        file.write(b"x" * max(0, free - leave))

def state():
    files = sorted(str(p.relative_to(disk)) for p in (disk / "root" / "artifacts").rglob("*") if p.is_file())
    return [v.ref for v in store.versions.list()], [d.ref for d in store.datasets.list()], store.changes.latest(), files

small = Path(sys.argv[2]) / "small"; small.mkdir(); (small / "model.onnx").write_bytes(b"a" * 10_000)
large = Path(sys.argv[2]) / "large"; large.mkdir(); (large / "model.onnx").write_bytes(b"b" * 3_000_000)
store.versions.add(new("file:1"), small)
before = state()
outcome = []
for leave, folder in [(2_000_000, large), (14_000, small), (10_500, small), (0, small)]:
    fill(leave)
    try:
        store.versions.add(new("file:2"), folder)
        outcome.append("added")
    except StorageFull as error:
        outcome.append(error.code)
    (disk / "ballast").unlink()
    after = state()
    if outcome[-1] == "added":
        before = after
    assert after == before, (leave, before, after)
store.close()
store = Store(Settings(disk / "root"))
assert state() == before
fill(0)
try:
    store.aliases.move("m", "production", 1, by="me")
    outcome.append("alias")
except StorageFull as error:
    outcome.append(error.code)
(disk / "ballast").unlink()
expected = {"production": 1} if outcome[-1] == "alias" else {}
assert store.models.get("m").aliases == expected
assert store.versions.add(new("file:3"), large).number == len(before[0]) + 1, "with space again, all goes on"
print(json.dumps(outcome))
"""


def test_nothing_changes_on_a_full_disk(tmp_path: Path) -> None:
    disk, work = tmp_path / "disk", tmp_path / "work"
    work.mkdir()
    printed = run_on_small_disk(disk, "6m", [sys.executable, "-c", SCRIPT, disk, work])
    outcome = json.loads(printed.splitlines()[-1])
    assert outcome[0] == "storage_full"
    assert outcome[3] == "storage_full"
