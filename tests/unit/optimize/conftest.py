from __future__ import annotations

from pathlib import Path

import pytest
from tiny_bert import make_classifier

from jupyter_modeldeploy.optimize.converting.from_transformers import Conversion, transformers_to_onnx
from jupyter_modeldeploy.progress import Silent

TEXTS = ["a good film", "the plot was dull and the actors were poor", "it was quite lovely"]


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classifier(tmp_path_factory.mktemp("classifier") / "tiny", hidden=128)


@pytest.fixture(scope="session")
def conversion(classifier: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Conversion]:
    out = tmp_path_factory.mktemp("converted") / "onnx"
    return out, transformers_to_onnx(classifier, out, Silent(), TEXTS)


@pytest.fixture(scope="session")
def converted(conversion: tuple[Path, Conversion]) -> Path:
    return conversion[0]
