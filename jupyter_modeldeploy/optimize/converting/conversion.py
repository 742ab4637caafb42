"""One conversion: written in the first way that gives the same answers as the original, or refused with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from jupyter_modeldeploy import devices, runtimes
from jupyter_modeldeploy.errors import ConversionFailed, InvalidInput, ModelDeployError, ParityFailed
from jupyter_modeldeploy.optimize.converting.parity import OutputParity, check_parity
from jupyter_modeldeploy.optimize.folders import building
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format, Record, Signature
from jupyter_modeldeploy.runtimes import Runtime, Tensors

REASON_CHARACTERS = 300


class Conversion(Record):
    """What was converted, how near it is to the original, and how long it took.

    `exporter` is what wrote it; `refused` says of each that was tried before why its result was not taken. `opset` and
    `operators` (how often each comes) are of an ONNX graph alone."""

    format: Format
    signature: Signature
    parity: list[OutputParity]
    exporter: str
    refused: dict[str, str] = Field(default_factory=dict)
    opset: int | None = None
    operators: dict[str, int] = Field(default_factory=dict)
    size_bytes: int
    seconds: float


@dataclass(frozen=True)
class Original:
    """A model that is to be converted.

    `module` is what an exporter takes, called with `example` (tensors in the order of `signature.inputs`), whose free
    dimensions are never 1, which an exporter takes for a constant. `load` opens the original as it is served, to be
    compared with on `batches`; `write_beside` puts into a folder what the task needs there."""

    module: Any
    signature: Signature
    example: Sequence[Any]
    load: Callable[[], Runtime]
    batches: Sequence[Tensors]
    tolerance: float
    write_beside: Callable[[Path], None] = field(default=lambda folder: None)


@dataclass(frozen=True)
class Exporter:
    """A way to write an original to a folder; `write` may raise anything. The ONNX opset is for those that have one."""

    name: str
    write: Callable[[Original, Path, int | None], None]


def convert(
    original: Original,
    out: Path,
    target: Format,
    exporters: Sequence[Exporter],
    reporter: Reporter,
    opset: int | None = None,
) -> Conversion:
    """Write the original to `out` by the first of the exporters whose result answers like it on all its batches.

    Raises ConversionFailed with the reason where none can write it, ParityFailed where what was written differs; then
    `out` is not written."""
    started = time.monotonic()
    failed: dict[str, ModelDeployError] = {}
    for exporter in exporters:
        try:
            with building(out) as partial:
                reporter.progress(0, 3, "parts", f"exporting the graph ({exporter.name})")
                _write(exporter, original, partial, opset)
                original.write_beside(partial)
                reporter.progress(1, 3, "parts", "comparing with the original")
                parity = _prove(original, target, partial)
                reporter.progress(2, 3, "parts", "writing")
            break
        except (ConversionFailed, ParityFailed) as error:
            failed[exporter.name] = error
    else:
        raise _worst(failed)
    reporter.progress(3, 3, "parts", "converted")
    written = _graph(out) if target is Format.onnx else {}
    return Conversion(
        format=target,
        signature=original.signature,
        parity=parity,
        exporter=exporter.name,
        refused={name: error.message for name, error in failed.items()},
        size_bytes=sum(path.stat().st_size for path in out.glob("model.*")),
        seconds=time.monotonic() - started,
        **written,
    )


def reason(error: BaseException) -> str:
    """What an exporter says is wrong, in one line: the first cause, without the advice and the traces around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:REASON_CHARACTERS]


def _write(exporter: Exporter, original: Original, folder: Path, opset: int | None) -> None:
    try:
        with quiet():
            exporter.write(original, folder, opset)
    except ModelDeployError:
        raise
    except Exception as error:  # an exporter raises whatever its handling of a model meets first
        raise ConversionFailed(
            f"The {exporter.name} exporter cannot write this model: {reason(error)}",
            "Nothing was kept. The version can be served as it is, or another form of the model fetched.",
        ) from error


def _prove(original: Original, target: Format, folder: Path) -> list[OutputParity]:
    try:
        candidate = runtimes.load(target, folder, threads=devices.usable_cores(), device="cpu")
    except InvalidInput as error:
        raise ConversionFailed(f"What was written does not load: {error.message}", "Nothing was kept.") from error
    reference = original.load()
    try:
        return check_parity(reference, candidate, original.batches, original.tolerance)
    finally:
        candidate.close()
        reference.close()


def _worst(failed: dict[str, ModelDeployError]) -> ModelDeployError:
    """The one error to tell: that of a wrong result, if there was any, else that of the first exporter."""
    differs = [error for error in failed.values() if isinstance(error, ParityFailed)]
    return differs[0] if differs else next(iter(failed.values()))


def _graph(folder: Path) -> dict[str, Any]:
    import onnx

    from jupyter_modeldeploy.optimize.quantizing.graph import operators

    model = onnx.load(folder / "model.onnx", load_external_data=False)
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), None)
    return {"opset": opset, "operators": operators(model)}
