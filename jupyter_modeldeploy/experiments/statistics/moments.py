"""What is kept of the units' values: enough for means, ratios and regressions, and it can be added up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput


@dataclass(frozen=True)
class Moments:
    """`means` is float64[k] over the units, `scatter` float64[k, k] the sums of the products of what units differ from
    them."""

    units: int
    means: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Of float[units] or float[units, k]. Raises InvalidInput without units, and for a value that is no number."""
        rows = np.atleast_2d(np.asarray(values, np.float64).T).T
        if len(rows) == 0 or not np.isfinite(rows).all():
            raise InvalidInput("No units, or values that are no numbers.", "Leave such units out, and count them.")
        means = rows.mean(axis=0)
        return cls(len(rows), means, (rows - means).T @ (rows - means))

    @property
    def covariance(self) -> np.ndarray:
        """Of one unit's values: float64[k, k]. Raises InvalidInput for fewer than two units."""
        if self.units < 2:
            raise InvalidInput(f"{self.units} unit has no variance.", "Wait for more units.")
        return self.scatter / (self.units - 1)

    def __add__(self, other: Moments) -> Moments:
        """Of both sets of units.

        Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", The American Statistician 37 (1983)."""
        units = self.units + other.units
        gap = other.means - self.means
        between = np.outer(gap, gap) * (self.units * other.units / units)
        return Moments(units, self.means + gap * (other.units / units), self.scatter + other.scatter + between)


def per_unit(units: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One row a unit, with the sums of its `values` float[rows, k] and at the end how many rows it has:
    float64[units, k + 1]. `units` names each row's."""
    rows = np.atleast_2d(np.asarray(values, np.float64).T).T
    _, places = np.unique(units, return_inverse=True)
    columns = [*rows.T, np.ones(len(rows))]
    return np.stack([np.bincount(places, column) for column in columns], axis=1)
