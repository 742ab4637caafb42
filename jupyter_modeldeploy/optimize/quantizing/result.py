"""What a quantization gives back."""

from __future__ import annotations

from pydantic import Field

from jupyter_modeldeploy.records import Record, Signature


class LayerError(Record):
    """What rounding one node's output to 8 bits loses of it, alone, on the calibration data.

    `error` is noise over signal (powers): the mean over the output's channels, each at most 1, which is a channel that
    is lost. `excluded` nodes compute in float as before."""

    node: str
    operator: str
    error: float
    excluded: bool = False


class Quantization(Record):
    """What became of the graph. `share` is that of the nodes with weights which now hold them in fewer bits.

    `output_error` is noise over signal of the answers to the calibration data, by output, as in `LayerError`; None
    without such data. `layers` are the worst first."""

    signature: Signature
    operators_before: dict[str, int]
    operators_after: dict[str, int]
    weighted_nodes: int
    quantized_nodes: int
    size_before_bytes: int
    size_after_bytes: int
    seconds: float
    output_error: dict[str, float] | None = None
    layers: list[LayerError] = Field(default_factory=list)

    @property
    def share(self) -> float:
        return self.quantized_nodes / self.weighted_nodes if self.weighted_nodes else 0.0

    @property
    def ratio(self) -> float:
        """How many times smaller the file is."""
        return self.size_before_bytes / self.size_after_bytes
