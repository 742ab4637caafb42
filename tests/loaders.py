"""Loaders of models in folders, generated and run as a user runs them: in a Python of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_modeldeploy import loader
from jupyter_modeldeploy.records import Lineage, NewVersion, Step
from jupyter_modeldeploy.sources.recognise import recognise
from jupyter_modeldeploy.sources.safety import examine

RUN_ALL = """
import jupyter_modeldeploy  # as in a user's notebook: the torchvision of these tests may be for another torch
import contextlib, io, json, runpy, sys, traceback
told = []
for number in range(int(sys.argv[1])):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            runpy.run_path(f"{number}.py", run_name="__main__")
        except Exception:
            traceback.print_exc(file=out)
    told.append(out.getvalue())
print(json.dumps(told))
"""


def version_of(folder: Path, name: str = "tiny") -> NewVersion:
    found = recognise(folder)
    return NewVersion(
        model=name,
        format=found.format,
        task=found.task,
        lineage=Lineage(step=Step.fetched, source=f"file:{folder}"),
        signature=found.signature,
        classes=found.classes,
        verdict=examine(folder),
    )


def loader_of(folder: Path) -> str:
    return loader.generate(version_of(folder), folder)


def printed(sources: Mapping[str, str], elsewhere: Path) -> dict[str, str]:
    """What each program prints. They run as `__main__`, one after another in one new Python, since that imports the
    libraries only once, and in a folder of their own."""
    elsewhere.mkdir()
    for number, source in enumerate(sources.values()):
        (elsewhere / f"{number}.py").write_text(source)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", RUN_ALL, str(len(sources))]
    ended = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return dict(zip(sources, json.loads(ended.stdout.splitlines()[-1]), strict=True))
