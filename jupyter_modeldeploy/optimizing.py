"""A model of one's own, converted and quantized without a workspace:

from jupyter_modeldeploy import ModelConverter, Quantizer

onnx = ModelConverter(target_format="onnx").convert("./sentiment")
Quantizer(model_path=onnx, quant_method="dynamic", bit_width=8).optimize().save("./sentiment-int8")
"""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound
from jupyter_modeldeploy.optimize import converting
from jupyter_modeldeploy.optimize.converting.graph_options import Graph
from jupyter_modeldeploy.optimize.folders import PROTOBUF_LIMIT
from jupyter_modeldeploy.optimize.quantizing.options import Method, QuantizeOptions
from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.signatures import Signature, TensorSpec
from jupyter_modeldeploy.sources import safety
from jupyter_modeldeploy.sources.recognise import recognise

if TYPE_CHECKING:
    import torch

    from jupyter_modeldeploy.optimize.converting.conversion import Conversion
    from jupyter_modeldeploy.optimize.converting.graph import GraphOptimization
    from jupyter_modeldeploy.optimize.quantizing.result import Quantization

Shape = Sequence[int | None]
TargetFormat = Literal["onnx", "torchscript", "exported"]

FRAMEWORKS = {"auto": None, "pytorch": None, "torch.export": "exported", "scikit-learn": "sklearn"}
"""Other names of formats; of None the files say which."""
METHODS: dict[tuple[str, int], Method] = {
    ("dynamic", 8): "dynamic-int8",
    ("static", 8): "static-int8",
    ("weight-only", 8): "weight-int8",
    ("weight-only", 4): "weight-int4",
    ("float", 16): "fp16",
}
DEFAULT_BITS = {"dynamic": 8, "static": 8, "weight-only": 4, "float": 16}


@dataclass(frozen=True)
class ConvertedModel:
    """A folder with a converted model: a path to whatever takes one. `conversion` tells how near its answers are to the
    original's, by output, and `graph` what was tried with its graph."""

    folder: Path
    conversion: Conversion | None
    graph: GraphOptimization | None = None

    def __fspath__(self) -> str:
        return str(self.folder)


class ModelConverter:
    """Converts models to ONNX, TorchScript or a program of `torch.export`, and keeps only what answers as the original.

    `source_framework` is a format (`transformers`, `ultralytics`, `torchscript`, `exported`, `onnx`, `scikit-learn`,
    `xgboost`, `lightgbm`) or `auto`: what the files say. `input_shape` is needed for a live torch module alone, one
    float input's shape or each one's by name, in the order of `forward`; None is a free dimension. What is not float32
    is said by a `Signature`. `graph` and `opset` are as in `modeldeploy convert`."""

    def __init__(
        self,
        source_framework: str = "auto",
        target_format: TargetFormat = "onnx",
        input_shape: Shape | Mapping[str, Shape] | Signature | None = None,
        graph: Graph = "as-exported",
        opset: int | None = None,
    ) -> None:
        """Raises InvalidInput for a format that nothing here reads or writes."""
        if target_format not in ("onnx", "torchscript", "exported"):
            raise InvalidInput(f"Nothing here writes {target_format!r}.", "Choose onnx, torchscript or exported.")
        self._source = _source(source_framework)
        self._target = Format(target_format)
        self._shape = input_shape
        self._graph: Graph = graph
        self._opset = opset

    def convert(
        self,
        source: str | os.PathLike[str] | torch.nn.Module | Any,
        output: str | os.PathLike[str] | None = None,
        trust: bool = False,
        reporter: Reporter | None = None,
    ) -> ConvertedModel:
        """The folder `output` (default: beside the source, `NAME-onnx`) with the model in the target format.

        `source` is a folder or a file of a model, a torch module, or a fitted estimator of scikit-learn, XGBoost or
        LightGBM. Files that could run code when they are loaded are refused with what was found (UnsafeContent),
        unless `trust` is given.

        Raises ConversionFailed with the reason for a model that cannot be written so, ParityFailed where its answers
        would differ, InvalidInput for what is no model, Conflict where `output` is not empty; then nothing is left."""
        told = reporter or Silent()
        if not isinstance(source, (str, os.PathLike)):
            if output is None:
                raise InvalidInput("A model in memory has no place of its own.", "Name a folder: output=…")
            return self._finished(Path(output), lambda out: self._living(source, out, told), told)
        path = Path(source).expanduser()
        out = Path(output) if output else path.with_name(f"{path.stem if path.is_file() else path.name}-{self._target}")
        with _folder_of(path) as folder:
            safety.check(folder, trust)
            format = self._source or recognise(folder).format
            if format == self._target:
                if format != Format.onnx or self._graph == "as-exported":
                    raise InvalidInput(f"{path.name} is {format} already.", "Choose another format or graph.")
                return self._finished(out, None, told, folder)
            convert = converting.load(format, self._target)
            return self._finished(out, lambda out: convert(folder, out, told, None, self._opset), told)

    def _living(self, model: Any, out: Path, reporter: Reporter) -> Conversion:
        if not hasattr(model, "state_dict"):
            from jupyter_modeldeploy.optimize.converting.from_estimator import estimator_to_onnx

            return estimator_to_onnx(model, out, reporter, self._opset)
        from jupyter_modeldeploy.optimize.converting.from_module import convert_module

        return convert_module(model, self._inputs(model), out, self._target, reporter, self._opset)

    def _inputs(self, module: torch.nn.Module) -> list[TensorSpec]:
        if isinstance(self._shape, Signature):
            return self._shape.inputs
        if self._shape is None:
            raise InvalidInput("A torch module does not say what it takes.", "input_shape=[None, 3, 224, 224], say.")
        named = self._shape
        if not isinstance(named, Mapping):
            named = {next(iter(inspect.signature(module.forward).parameters), "input"): named}
        return [
            TensorSpec(name, "FP32", [-1 if size is None else size for size in shape]) for name, shape in named.items()
        ]

    def _finished(self, out: Path, convert: Any, reporter: Reporter, converted: Path | None = None) -> ConvertedModel:
        """What `convert` writes, with its graph changed where that was asked for."""
        if self._graph == "as-exported" or self._target is not Format.onnx:
            return ConvertedModel(out, convert(out))
        from jupyter_modeldeploy.optimize.converting.graph import optimize_graph

        with tempfile.TemporaryDirectory(dir=_existing(out.parent), prefix=f".{out.name}.") as scratch:
            between = converted or Path(scratch) / "converted"
            conversion = None if converted else convert(between)
            graph = optimize_graph(between, out, self._graph, reporter)
            if graph.kept is None:
                shutil.copytree(between, out, dirs_exist_ok=True)
        return ConvertedModel(out, conversion, graph)


class Quantizer:
    """Makes an ONNX model smaller and faster with fewer bits.

    `model_path` is a folder with an ONNX model, its file, or what `ModelConverter` made. `quant_method` is `dynamic`,
    `static`, `weight-only` or `float` with a `bit_width` (8; weights alone also 4, floats 16), or one of
    `modeldeploy quantize --method`. `calibration`, for `static`, are inputs by name as the model gets them, real ones.
    `options` are the other fields of `QuantizeOptions`: `per_channel=False`, `exclude=[…]`."""

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        quant_method: str = "dynamic",
        bit_width: int | None = None,
        calibration: Sequence[Tensors] = (),
        **options: Any,
    ) -> None:
        """Raises InvalidInput for a method that there is not, and for `static` without data."""
        self._path = Path(model_path).expanduser()
        self._options = _options(quant_method, bit_width, options)
        self._calibration = calibration
        self._made: Path | None = None
        self.result: Quantization | None = None
        """What became of the model, once it was quantized: sizes, operators, errors by layer."""
        if self._options.method == "static-int8" and not calibration:
            raise InvalidInput("static calibrates with data.", "calibration=[{'x': array}, …], about 100 of them.")

    def optimize(self, reporter: Reporter | None = None) -> Quantizer:
        """Quantize; this object, whose `save` writes the result.

        Raises InvalidInput for what is no ONNX model or quantized already, and ParityFailed where the result is worth
        nothing."""
        from jupyter_modeldeploy.optimize.quantizing.quantize import quantize

        made = Path(tempfile.mkdtemp(prefix="quantized-"))
        weakref.finalize(self, shutil.rmtree, made, ignore_errors=True)
        with _folder_of(self._path) as folder:
            self.result = quantize(folder, made / "model", self._options, reporter or Silent(), self._calibration)
        self._made = made / "model"
        return self

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the quantized model, with what lay beside the original, to the folder `path`; the folder.

        Raises Conflict before `optimize` and where the folder is not empty."""
        if self._made is None:
            raise Conflict("Nothing is quantized yet.", "Call optimize() first.")
        out = Path(path).expanduser()
        if out.exists() and any(out.iterdir()):
            raise Conflict(f"{out} is not empty.", "Choose another folder.")
        shutil.copytree(self._made, out, dirs_exist_ok=True)
        return out


def _source(framework: str) -> str | None:
    """The format of that name; None where the files have to say it."""
    format = FRAMEWORKS.get(framework, framework)
    known = {source for source, _ in converting.pairs()} | {Format.onnx.value}
    if format is not None and format not in known:
        raise InvalidInput(f"Nothing here converts {framework!r}.", f"There are: auto, {', '.join(sorted(known))}.")
    return format


def _options(method: str, bits: int | None, options: Mapping[str, Any]) -> QuantizeOptions:
    from pydantic import ValidationError

    from jupyter_modeldeploy.errors import from_validation_error

    if method in DEFAULT_BITS:
        chosen = (method, bits or DEFAULT_BITS[method])
        if chosen not in METHODS:
            widths = ", ".join(str(width) for name, width in METHODS if name == method)
            raise InvalidInput(f"{method} with {bits} bits is not supported.", f"{method} has {widths}.")
        method = METHODS[chosen]
    elif bits is not None and not method.endswith(str(bits)):
        raise InvalidInput(f"{method} does not have {bits} bits.", "Leave out bit_width.")
    try:
        return QuantizeOptions(method=method, **options)
    except ValidationError as error:
        raise from_validation_error(error, "quantize") from error


@contextmanager
def _folder_of(path: Path) -> Iterator[Path]:
    """A folder with the model as the package reads one: `path` itself, or one with that file alone in it."""
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise NotFound(f"There is no {path}.", "Name a folder or a file of a model.")
    with tempfile.TemporaryDirectory(prefix="model-") as scratch:
        folder = Path(scratch)
        if path.suffix == ".onnx":
            _copy_onnx(path, folder)
        else:
            shutil.copyfile(path, folder / path.name)
        yield folder


def _copy_onnx(path: Path, folder: Path) -> None:
    """The model as model.onnx, weights that lie in other files beside it."""
    import onnx

    model = onnx.load(path)
    large = model.ByteSize() > PROTOBUF_LIMIT
    onnx.save(model, folder / "model.onnx", save_as_external_data=large, location="model.onnx.data" if large else None)


def _existing(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
