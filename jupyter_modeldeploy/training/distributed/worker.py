"""One worker: `python -m jupyter_modeldeploy.training.distributed.worker FOLDER RANK PROCESSES MEETING`."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path

import torch
from torch import distributed

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.errors import JobFailed, ModelDeployError
from jupyter_modeldeploy.training.distributed.exchange import Exchange

TRACEBACK_TAIL = 1500


def main(folder: Path, rank: int, processes: int, meeting: Path) -> int:
    """Take part in the training in `folder`; 0 when it is done, 1 when it failed and word of it was left.

    The workers find each other by the file `meeting`: nothing listens for them on a port that others could reach."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    exchange = Exchange(folder)
    try:
        _train(exchange, rank, processes, meeting)
    except ModelDeployError as error:
        exchange.fail(rank, {"rank": rank, "code": error.code, "message": error.message, "hint": error.hint})
        return 1
    except Exception as error:  # noqa: BLE001  # the caller's code may raise anything; the caller is told
        where = "".join(traceback.format_exception(error))[-TRACEBACK_TAIL:]
        message = f"Worker {rank} failed: {type(error).__name__}: {error}"
        exchange.fail(rank, {"rank": rank, "code": JobFailed.code, "message": message, "hint": where})
        return 1
    return 0


def _train(exchange: Exchange, rank: int, processes: int, meeting: Path) -> None:
    torch.set_num_threads(max(1, devices.usable_cores() // processes))
    work = exchange.take()
    cuda = work.device == "cuda"
    device = torch.device("cuda", rank) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group(
        "nccl" if cuda else "gloo",
        store=distributed.FileStore(str(meeting), processes),  # type: ignore[attr-defined]
        rank=rank,
        world_size=processes,
        timeout=work.silence,
    )
    result = work.take_part(device, exchange)
    if rank == 0:
        exchange.result.write_text(json.dumps(result))
    distributed.barrier()
    distributed.destroy_process_group()


def _end_with_caller() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    # Threads of the group may hang on a lost peer: leave without waiting for them.
    code = main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
