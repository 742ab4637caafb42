"""Whether two forms of a model give the same answers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput, ParityFailed
from jupyter_modeldeploy.records import Record
from jupyter_modeldeploy.runtimes import Runtime, Tensors

RELATIVE_TOLERANCE = 1e-2
"""Largest difference allowed of an output whose values are small, to its largest magnitude in the batch."""
NEGLIGIBLE = 1e-6
"""A difference that is rounding, however small the values are."""


class OutputParity(Record):
    """The largest difference of one output over all batches tried: `shapes` are those of the first input.

    `max_relative_difference` is to the output's largest magnitude in its batch. Of an output that is not made of
    floats (labels, texts) the difference is the share of its values that are others."""

    name: str
    shapes: list[list[int]]
    max_absolute_difference: float
    max_relative_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        near = self.max_relative_difference <= RELATIVE_TOLERANCE or self.max_absolute_difference <= NEGLIGIBLE
        return near and self.max_absolute_difference <= self.tolerance


def check_parity(
    reference: Runtime, candidate: Runtime, batches: Iterable[Tensors], tolerance: float
) -> list[OutputParity]:
    """Run both on every batch of inputs and compare each output of `reference`, element by element.

    `tolerance` is the largest absolute difference allowed. A batch that `reference` itself cannot take is left out.
    Raises ParityFailed beyond the tolerance, for an output of another shape, for a batch that `candidate` alone cannot
    take, and for values that are not finite in one of the two only; InvalidInput where no batch fits the original."""
    rows: dict[str, OutputParity] = {}
    refused = ""
    for inputs in batches:
        shape = list(next(iter(inputs.values())).shape)
        try:
            expected = reference.run(inputs)
        except InvalidInput as error:
            refused = error.message
            continue
        actual = _answered(candidate, inputs, shape)
        for name, values in expected.items():
            row = _compare(name, shape, values, actual.get(name), tolerance)
            rows[name] = _join(rows[name], row) if name in rows else row
    if not rows:
        raise InvalidInput(f"The original takes none of the inputs that its signature allows: {refused}")
    for row in rows.values():
        if not row.passed:
            raise ParityFailed(
                f"The output {row.name} differs from the original's by up to {row.max_absolute_difference:.3g} "
                f"(allowed: {row.tolerance:g}), {row.max_relative_difference:.2g} of its largest value.",
                "Nothing was kept. The model does something that this conversion does not carry over.",
            )
    return list(rows.values())


def _answered(candidate: Runtime, inputs: Tensors, shape: list[int]) -> Tensors:
    try:
        return candidate.run(inputs)
    except InvalidInput as error:
        raise ParityFailed(
            f"The converted model does not take the shape {shape}, which the original does: {error.message}",
            "Nothing was kept. The conversion took a free dimension for a constant.",
        ) from error


def _compare(
    name: str, shape: list[int], expected: np.ndarray, actual: np.ndarray | None, tolerance: float
) -> OutputParity:
    if actual is None or actual.shape != expected.shape:
        raise ParityFailed(
            f"The output {name} has the shape {None if actual is None else actual.shape} and not {expected.shape}.",
            "Nothing was kept. The conversion lost a free dimension or the output itself.",
        )
    if expected.dtype.kind != "f":
        differing = float(np.mean(expected != actual)) if expected.size else 0.0
        return _row(name, shape, differing, differing, tolerance)
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(actual)):
        raise ParityFailed(f"The output {name} is not finite where the original's is.", "Nothing was kept.")
    difference = np.abs(expected[finite].astype(np.float64) - actual[finite].astype(np.float64))
    absolute = float(difference.max(initial=0.0))
    scale = float(np.abs(expected[finite]).max(initial=0.0))
    return _row(name, shape, absolute, absolute / scale if scale else 0.0, tolerance)


def _row(name: str, shape: list[int], absolute: float, relative: float, tolerance: float) -> OutputParity:
    return OutputParity(
        name=name,
        shapes=[shape],
        max_absolute_difference=absolute,
        max_relative_difference=relative,
        tolerance=tolerance,
    )


def _join(one: OutputParity, other: OutputParity) -> OutputParity:
    return OutputParity(
        name=one.name,
        shapes=[*one.shapes, *other.shapes],
        max_absolute_difference=max(one.max_absolute_difference, other.max_absolute_difference),
        max_relative_difference=max(one.max_relative_difference, other.max_relative_difference),
        tolerance=one.tolerance,
    )
