"""From one format to another, with proof that both answer alike.

Converters are the entry points `jupyter_modeldeploy.converters`, each named `FROM-TO`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.progress import Reporter

if TYPE_CHECKING:
    from jupyter_modeldeploy.optimize.converting.conversion import Conversion


class Converter(Protocol):
    def __call__(
        self,
        folder: Path,
        out: Path,
        reporter: Reporter,
        texts: Sequence[str] | None = None,
        opset: int | None = None,
    ) -> Conversion:
        """Write the model of `folder` to `out`, with all that is needed to serve it.

        Both forms are asked the same, some of `texts` among it where the model takes texts. `opset` is that of an ONNX
        graph for a runtime elsewhere. Raises ConversionFailed with the reason for what cannot be written so,
        ParityFailed where the answers differ, InvalidInput for files that are no such model; then `out` is not
        written."""


def load(source: str, target: str) -> Converter:
    """The converter `source`-`target`. Raises NotFound, and Unavailable where a package that it needs is missing."""
    converter: Converter = plugins.load("converters", f"{source}-{target}")
    return converter


def pairs() -> set[tuple[str, str]]:
    """The formats from which, and to which, there is a converter."""
    parts = [name.rpartition("-") for name in plugins.available("converters")]
    return {(source, target) for source, _, target in parts}


def sources(target: str) -> list[str]:
    """The formats that can be written as `target`."""
    return sorted(source for source, other in pairs() if other == target)
