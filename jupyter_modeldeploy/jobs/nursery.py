"""Forks the workers of the parts of a job: `python -m jupyter_modeldeploy.jobs.nursery ROOT MODULE…`.

It imports the modules once, says `ready`, and then reads what to run, a line of JSON each: the job, its attempt, its
log, and the file for its worker's exit status. One runs at a time. It ends with whoever writes to it.

It computes nothing itself: threads would not survive a fork. Nor does it collect garbage: what is imported stays, and
the workers share its memory for as long as nobody writes to it."""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import sys
from pathlib import Path

from jupyter_modeldeploy.jobs import worker

log = logging.getLogger(__name__)


def main(root: str, *modules: str) -> int:
    gc.disable()
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:  # whoever needs it says so in its own words
            log.warning("%s cannot be imported: %s", module, error)
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            gc.enable()
            _become_worker(Path(wanted["log"]))
            return worker.main(root, wanted["job"], str(wanted["attempt"]))
        _, status = os.waitpid(child, 0)
        _tell(Path(wanted["status"]), os.waitstatus_to_exitcode(status))
    return 0


def _become_worker(log_file: Path) -> None:
    """Let nothing be read, and everything written go to the log."""
    with open(os.devnull) as nothing, log_file.open("ab") as log_stream:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log_stream.fileno(), 1)
        os.dup2(log_stream.fileno(), 2)


def _tell(path: Path, code: int) -> None:
    """The exit status as a shell has it, 128 and more for a signal; whole or not at all."""
    partial = path.with_name(path.name + ".new")
    partial.write_text(f"{code if code >= 0 else 128 - code}\n")
    partial.rename(path)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
