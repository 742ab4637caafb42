"""Estimators and boosted trees as ONNX."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from jupyter_modeldeploy import ModelConverter
from jupyter_modeldeploy.errors import ConversionFailed, InvalidInput, UnsafeContent
from jupyter_modeldeploy.optimize.converting.from_estimator import (
    estimator_to_onnx,
    lightgbm_to_onnx,
    sklearn_to_onnx,
    xgboost_to_onnx,
)
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime

FLOWERS = load_iris()
ROWS = FLOWERS.data.astype(np.float32)
NAMED = FLOWERS.target_names[FLOWERS.target]


def test_a_pipeline_answers_with_its_labels_and_probabilities(tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, NAMED)
    made = ModelConverter(source_framework="scikit-learn").convert(pipeline, tmp_path / "onnx")

    answers = OnnxRuntime(made.folder).run({"x": ROWS})
    assert [label.decode() for label in answers["label"]] == list(pipeline.predict(ROWS))
    np.testing.assert_allclose(answers["probabilities"], pipeline.predict_proba(ROWS), atol=1e-4)
    assert [row.name for row in made.conversion.parity] == ["label", "probabilities"]


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(5, random_state=0).fit(ROWS, FLOWERS.target),
        GradientBoostingRegressor(n_estimators=5).fit(*load_diabetes(return_X_y=True)),
        StandardScaler().fit(ROWS),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_classifiers_regressors_and_transformers_convert(estimator: Any, tmp_path: Path) -> None:
    made = estimator_to_onnx(estimator, tmp_path / "onnx", Silent())

    assert made.exporter == "skl2onnx"
    assert made.parity[0].shapes == [[rows, estimator.n_features_in_] for rows in (1, 8, 256)]
    assert OnnxRuntime(tmp_path / "onnx").signature == made.signature


def test_a_skops_archive_is_read_and_a_pickle_is_not(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(ROWS, FLOWERS.target)
    for name in ("skops", "pickle"):
        (tmp_path / name).mkdir()
    skops.io.dump(estimator, tmp_path / "skops" / "flowers.skops")
    (tmp_path / "pickle" / "flowers.pkl").write_bytes(pickle.dumps(estimator))

    assert sklearn_to_onnx(tmp_path / "skops", tmp_path / "onnx", Silent()).signature.inputs[0].shape == [-1, 4]
    with pytest.raises(UnsafeContent, match=r"flowers\.pkl is a pickle"):
        sklearn_to_onnx(tmp_path / "pickle", tmp_path / "other", Silent())


def test_an_archive_of_foreign_types_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    skops.io.dump(FunctionTransformer(pickle.loads), tmp_path / "model" / "model.skops")

    with pytest.raises(UnsafeContent, match="loads"):
        sklearn_to_onnx(tmp_path / "model", tmp_path / "onnx", Silent())


def test_what_is_not_fitted_or_computes_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no fitted estimator"):
        estimator_to_onnx(LogisticRegression(), tmp_path / "onnx", Silent())
    with pytest.raises(ConversionFailed, match="skl2onnx exporter cannot write"):
        estimator_to_onnx(FunctionTransformer(np.sort).fit(ROWS), tmp_path / "onnx", Silent())


@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob", "multi:softmax", "reg:squarederror"])
def test_xgboosts_trees_convert(objective: str, tmp_path: Path) -> None:
    labels = FLOWERS.target > 0 if objective.startswith("binary") else FLOWERS.target
    parameters = {"objective": objective, "max_depth": 3, **({"num_class": 3} if "multi" in objective else {})}
    booster = xgboost.train(parameters, xgboost.DMatrix(ROWS, labels), num_boost_round=4)
    (tmp_path / "model").mkdir()
    booster.save_model(tmp_path / "model" / "model.json")

    made = xgboost_to_onnx(tmp_path / "model", tmp_path / "onnx", Silent())

    names = ["variable"] if objective.startswith("reg") else ["label", "probabilities"]
    assert [spec.name for spec in made.signature.outputs] == names
    assert OnnxRuntime(tmp_path / "onnx").signature.inputs == made.signature.inputs


@pytest.mark.parametrize("objective", ["binary", "multiclass", "regression"])
def test_lightgbms_trees_convert(objective: str, tmp_path: Path) -> None:
    labels = FLOWERS.target > 0 if objective == "binary" else FLOWERS.target
    parameters = {"objective": objective, "verbose": -1, **({"num_class": 3} if objective == "multiclass" else {})}
    booster = lightgbm.train(parameters, lightgbm.Dataset(ROWS, labels), num_boost_round=4)
    (tmp_path / "model").mkdir()
    booster.save_model(tmp_path / "model" / "model.txt")

    converted = ModelConverter(source_framework="lightgbm").convert(tmp_path / "model" / "model.txt")
    made = converted.conversion

    assert converted.folder == tmp_path / "model" / "model-onnx"
    names = ["variable"] if objective == "regression" else ["label", "probabilities"]
    assert [spec.name for spec in made.signature.outputs] == names
    assert all(row.passed for row in made.parity)


@pytest.mark.parametrize(("convert", "name"), [(xgboost_to_onnx, "model.json"), (lightgbm_to_onnx, "model.txt")])
def test_files_of_other_things_are_refused(convert: Any, name: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).write_text("{}")

    with pytest.raises(InvalidInput, match="is no model of"):
        convert(tmp_path / "model", tmp_path / "onnx", Silent())
