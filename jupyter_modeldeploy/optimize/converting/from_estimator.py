"""Estimators of scikit-learn, and boosted trees of XGBoost and LightGBM, to ONNX.

Files are read only in forms that cannot run code: skops' archives of scikit-learn's own types, and the text of the
trees that XGBoost and LightGBM write. A pickle is not opened; whoever has the estimator in memory converts that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput, Unavailable, UnsafeContent
from jupyter_modeldeploy.optimize.converting import opset as opsets
from jupyter_modeldeploy.optimize.converting.conversion import Conversion, Exporter, Original, convert
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format, Signature
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.runtimes.model_file import only_file
from jupyter_modeldeploy.signatures import TensorSpec

TOLERANCE = 1e-4
"""Largest difference allowed, where values are over 1 to the largest of them: estimators compute in float64."""
ROWS = (1, 8, 256)
ML_OPSET = 3
INPUT, LABEL, PROBABILITIES, VARIABLE = "x", "label", "probabilities", "variable"
EXTRA = "pip install 'jupyter_modeldeploy[estimators]'"


def estimator_to_onnx(estimator: Any, out: Path, reporter: Reporter, opset: int | None = None) -> Conversion:
    """Write a fitted estimator that takes rows of numbers as `out`/model.onnx: `x` float32[rows, features] to `label`
    and `probabilities` for a classifier, else to `variable`.

    Both forms are compared on random rows. Raises InvalidInput for what is not fitted, Unavailable without the packages
    that write it, ConversionFailed and ParityFailed; then `out` is not written."""
    features = getattr(estimator, "n_features_in_", None)
    if features is None or not (hasattr(estimator, "predict") or hasattr(estimator, "transform")):
        raise InvalidInput(f"{type(estimator).__name__} is no fitted estimator of plain numbers.", "Call fit first.")
    model = _Estimator(estimator, int(features))
    exporter = Exporter("skl2onnx", lambda original, folder, opset: _write_estimator(estimator, model, folder, opset))
    return _convert(model, exporter, out, reporter, opset)


def sklearn_to_onnx(
    folder: Path, out: Path, reporter: Reporter, texts: Sequence[str] | None = None, opset: int | None = None
) -> Conversion:
    """As `estimator_to_onnx`, of the folder's only `*.skops`.

    Raises UnsafeContent for a pickle and for an archive that holds anything but types of scikit-learn and numpy."""
    pickles = [path.name for path in folder.iterdir() if path.suffix in (".pkl", ".pickle", ".joblib", ".sav")]
    if pickles and not list(folder.glob("*.skops")):
        raise UnsafeContent(
            f"{pickles[0]} is a pickle, which runs code when it is opened.",
            "Save it with skops.io.dump, or where it is in memory: ModelConverter().convert(estimator, output=…).",
        )
    skops = _imported("skops.io")
    path = only_file(folder, (".skops",))
    if unknown := skops.get_untrusted_types(file=path):
        raise UnsafeContent(f"{path.name} holds types that are not scikit-learn's own: {', '.join(unknown[:5])}.")
    return estimator_to_onnx(skops.load(path, trusted=[]), out, reporter, opset)


def xgboost_to_onnx(
    folder: Path, out: Path, reporter: Reporter, texts: Sequence[str] | None = None, opset: int | None = None
) -> Conversion:
    """As `estimator_to_onnx`, of the folder's only `*.json` or `*.ubj` that XGBoost wrote."""
    xgboost = _imported("xgboost")
    path = only_file(folder, (".json", ".ubj"))
    booster = xgboost.Booster()
    try:
        booster.load_model(path)
    except xgboost.core.XGBoostError as error:
        raise InvalidInput(f"{path.name} is no model of XGBoost: {str(error).splitlines()[0]}") from error
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective == "multi:softmax":  # which answers with the class alone
        booster.set_param({"objective": "multi:softprob"})
    trees = _Trees(
        lambda rows: booster.predict(xgboost.DMatrix(rows)),
        booster.num_features(),
        classifies=objective in ("binary:logistic", "multi:softprob", "multi:softmax"),
    )
    return _convert(trees, _tree_exporter("convert_xgboost", booster, trees), out, reporter, opset)


def lightgbm_to_onnx(
    folder: Path, out: Path, reporter: Reporter, texts: Sequence[str] | None = None, opset: int | None = None
) -> Conversion:
    """As `estimator_to_onnx`, of the folder's only `*.txt` that LightGBM wrote."""
    lightgbm = _imported("lightgbm")
    path = only_file(folder, (".txt",))
    try:
        booster = lightgbm.Booster(model_file=str(path))
    except lightgbm.basic.LightGBMError as error:
        raise InvalidInput(f"{path.name} is no model of LightGBM: {error}") from error
    objective = str(booster.dump_model(num_iteration=1).get("objective", "")).partition(" ")[0]
    classifies = objective in ("binary", "multiclass", "multiclassova")
    trees = _Trees(booster.predict, booster.num_feature(), classifies)
    exporter = _tree_exporter("convert_lightgbm", booster, trees, zipmap=False)
    return _convert(trees, exporter, out, reporter, opset)


class _Estimator:
    """A fitted estimator as a `runtimes.Runtime`: a classifier's labels with its probabilities, else its numbers."""

    def __init__(self, estimator: Any, features: int) -> None:
        self.features = features
        self._estimator = estimator
        self.signature = _signature(self)

    def run(self, inputs: Tensors) -> Tensors:
        rows = inputs[INPUT]
        if hasattr(self._estimator, "predict_proba"):
            labels = np.asarray(self._estimator.predict(rows))
            named = labels if labels.dtype.kind != "U" else np.array([one.encode() for one in labels], np.object_)
            return {LABEL: named, PROBABILITIES: np.asarray(self._estimator.predict_proba(rows), np.float32)}
        compute = getattr(self._estimator, "predict", None) or self._estimator.transform
        numbers = np.asarray(compute(rows), np.float32)
        return {VARIABLE: numbers.reshape(len(rows), -1)}

    def close(self) -> None:
        """Nothing: it is somebody else's."""


class _Trees:
    """Boosted trees as a `runtimes.Runtime`; those that answer with one probability tell that of the second class."""

    def __init__(self, predict: Any, features: int, classifies: bool) -> None:
        self.features = features
        self._predict = predict
        self._classifies = classifies
        self.signature = _signature(self)

    def run(self, inputs: Tensors) -> Tensors:
        found = np.asarray(self._predict(inputs[INPUT]), np.float32)
        if not self._classifies:
            return {VARIABLE: found.reshape(len(found), -1)}
        probabilities = found if found.ndim == 2 else np.stack([1 - found, found], axis=1)
        return {LABEL: probabilities.argmax(axis=1), PROBABILITIES: probabilities}

    def close(self) -> None:
        """Nothing is held but the trees."""


def _signature(model: _Estimator | _Trees) -> Signature:
    answers = model.run({INPUT: np.zeros((2, model.features), np.float32)})
    dtypes = {"f": "FP32", "i": "INT64", "O": "BYTES"}
    return Signature(
        inputs=[TensorSpec(INPUT, "FP32", [-1, model.features])],
        outputs=[
            TensorSpec(name, dtypes[values.dtype.kind], [-1, *values.shape[1:]]) for name, values in answers.items()
        ],
    )


def _convert(
    model: _Estimator | _Trees, exporter: Exporter, out: Path, reporter: Reporter, opset: int | None
) -> Conversion:
    generator = np.random.default_rng(0)
    batches = [{INPUT: generator.standard_normal((rows, model.features), dtype=np.float32)} for rows in ROWS]
    numbers = [values for values in model.run(batches[-1]).values() if values.dtype.kind == "f"]
    largest = max((float(np.abs(values).max()) for values in numbers), default=1.0)
    original = Original(
        module=None,
        signature=model.signature,
        example=[],
        load=lambda: model,
        batches=batches,
        tolerance=TOLERANCE * max(1.0, largest),
    )
    return convert(original, out, Format.onnx, [exporter], reporter, opset)


def _write_estimator(estimator: Any, model: _Estimator, folder: Path, opset: int | None) -> None:
    skl2onnx = _imported("skl2onnx")
    types = _imported("skl2onnx.common.data_types")
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    written = skl2onnx.to_onnx(
        estimator,
        initial_types=[(INPUT, types.FloatTensorType([None, model.features]))],
        target_opset={"": opsets.chosen(opset), "ai.onnx.ml": ML_OPSET},
        options=options,
    )
    _save(written, folder)


def _tree_exporter(function: str, booster: Any, model: _Trees, **options: Any) -> Exporter:
    def write(original: Original, folder: Path, opset: int | None) -> None:
        tools = _imported("onnxmltools")
        types = _imported("onnxmltools.convert.common.data_types")
        written = getattr(tools, function)(
            booster,
            initial_types=[(INPUT, types.FloatTensorType([None, model.features]))],
            target_opset=min(opsets.chosen(opset), tools.convert.common.onnx_ex.get_maximum_opset_supported()),
            **options,
        )
        _save(written, folder)

    return Exporter("onnxmltools", write)


def _save(model: Any, folder: Path) -> None:
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise Unavailable(f"{name.partition('.')[0]} is not installed.", EXTRA) from error
