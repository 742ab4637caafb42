"""What a service's units did so far, for who plans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments import planning
from jupyter_modeldeploy.experiments.collecting import KEPT, Collector
from jupyter_modeldeploy.experiments.spool import FOLDER
from jupyter_modeldeploy.records import Metric


class Recorded:
    """What a service recorded in its `folder` of the versions `refs` (`name@2`)."""

    def __init__(self, folder: Path, refs: Sequence[str]) -> None:
        self._folder, self._refs = folder, refs

    def figures(self, metrics: Sequence[Metric], name: str) -> dict[str, Any]:
        """The arguments of a plan for the metric of this name. Raises InvalidInput without one, and where nothing was
        recorded that tells it."""
        metric = next((each for each in metrics if each.name == name), None)
        if metric is None:
            known = ", ".join(each.name for each in metrics)
            raise InvalidInput(f"No metric {name!r}.", f"There are {known}; of an outcome say its kind.")
        if not (self._folder / FOLDER).exists() and not (self._folder / KEPT).exists():
            raise InvalidInput("The service records no units.", "Give a figure instead.")
        base, deviation, daily = self._seen(metric)
        found = {"base": base, "deviation": deviation, "daily_units": daily, "minimum_effect": metric.minimum_effect}
        found["percentile"] = metric.percentile
        return {name: value for name, value in found.items() if value is not None}

    def _seen(self, metric: Metric) -> tuple[float, float, float | None]:
        collector = Collector(self._folder / FOLDER, self._folder / KEPT)
        try:
            collector.fold()
            observed = {
                (one.version, one.stage): one
                for ref in self._refs
                for one in collector.observed(self._refs[0], ref, [metric])
            }
        finally:
            collector.close()
        return planning.seen(metric, list(observed.values()))
