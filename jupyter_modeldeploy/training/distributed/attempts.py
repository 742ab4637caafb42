"""A training that is started again from its last checkpoint when workers are lost."""

from __future__ import annotations

import logging

from jupyter_modeldeploy.errors import WorkerDied
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training.distributed.exchange import LOG, Exchange
from jupyter_modeldeploy.training.distributed.launcher import Launcher

MAX_RESTARTS = 3


def run_to_the_end(
    launcher: Launcher, exchange: Exchange, processes: int, reporter: Reporter, max_restarts: int = MAX_RESTARTS
) -> int:
    """Run the work of `exchange` until it is done, and say how often it had to start again.

    What the workers report reaches `reporter` meanwhile. Raises WorkerDied when workers were lost more than
    `max_restarts` times, and what went wrong in a worker."""
    restarts = 0
    while True:
        try:
            launcher.run(exchange, processes, lambda: _relay(exchange, reporter))
            return restarts
        except WorkerDied as death:
            if restarts == max_restarts:
                death.message += f" The training was started again {restarts} times."
                raise
            reporter.progress(0, None, "steps", f"{death.message} Starting again from the last checkpoint.")
            restarts += 1


def _relay(exchange: Exchange, reporter: Reporter) -> None:
    for name, arguments in exchange.events():
        if name == LOG:
            logger, level, message = arguments
            logging.getLogger(logger).log(level, "%s", message)
        else:
            getattr(reporter, name)(*arguments)
