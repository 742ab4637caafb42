"""Versions that are quantized and pruned, as jobs: what is calibrated, what is refused, what comes out."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from digit_images import TINY_RESNET, digit_folder
from transformers import ResNetConfig, ResNetForImageClassification

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.records import Version


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with digits and a network for them, as it comes and as ONNX."""
    folder = tmp_path_factory.mktemp("quantized")
    known = {name: value for name, value in TINY_RESNET.items() if name not in ("architectures", "model_type")}
    names = {index: str(index) for index in range(10)}
    model = ResNetForImageClassification(ResNetConfig(**known, id2label=names))
    model.save_pretrained(folder / "network")
    (folder / "network" / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 32, "width": 32}}))
    opened = Workspace(folder / "root")
    opened.models.fetch(f"file:{folder / 'network'}", name="digits").wait(timeout_s=240)
    opened.datasets.add(f"file:{digit_folder(folder / 'digits', each=6)}", name="digits").wait(timeout_s=240)
    opened.models.convert("digits@1").wait(timeout_s=240)
    yield opened
    opened.close()


def test_images_are_calibrated_with_the_datasets_rows(workspace: Workspace) -> None:
    job = workspace.models.quantize("digits@2", "digits", method="static-int8", samples=12)
    made: Version = job.version(timeout_s=240)

    assert made.lineage.parameters == {"method": "static-int8", "samples": 12}
    quantization = job.result()["quantization"]
    assert quantization["operators_after"]["QuantizeLinear"] > 0
    assert quantization["output_error"]["logits"] < 0.05
    assert quantization["layers"][0]["error"] >= quantization["layers"][1]["error"]


def test_the_same_quantization_is_found_again(workspace: Workspace) -> None:
    first = workspace.models.quantize("digits@2", method="fp16").version(timeout_s=240)
    again = workspace.models.quantize("digits@2", method="fp16", reuse=True).version(timeout_s=240)
    other = workspace.models.quantize("digits@2", reuse=True).version(timeout_s=240)

    assert again.ref == first.ref
    assert other.ref != first.ref


def test_a_pruned_version_is_fine_tuned_and_converted_as_others_are(workspace: Workspace) -> None:
    pruned = workspace.models.prune("digits@1", share=0.4).version(timeout_s=240)
    tuned = workspace.models.finetune(pruned.ref, "digits", "smaller", max_steps=3, precision="fp32")
    converted = workspace.models.convert(tuned.version(timeout_s=240).ref).version(timeout_s=240)

    assert (pruned.lineage.step, pruned.lineage.parameters) == ("pruned", {"share": 0.4})
    assert pruned.size_bytes < 0.5 * workspace.models.version("digits@1").size_bytes
    assert converted.size_bytes < 0.5 * workspace.models.version("digits@2").size_bytes


def test_what_cannot_be_is_said_before_there_is_a_job(workspace: Workspace) -> None:
    jobs = len(workspace.jobs.list())
    with pytest.raises(NotFound, match="static-int8 calibrates with data"):
        workspace.models.quantize("digits@2", method="static-int8")
    with pytest.raises(InvalidInput, match="left out by static-int8 alone"):
        workspace.models.quantize("digits@2", exclude=["head"])
    with pytest.raises(InvalidInput, match="Convert it first"):
        workspace.models.quantize("digits@1")
    with pytest.raises(InvalidInput, match="method"):
        workspace.models.quantize("digits@2", method="int3")
    with pytest.raises(InvalidInput, match="Name a transformers version"):
        workspace.models.prune("digits@2")
    with pytest.raises(InvalidInput, match="share"):
        workspace.models.prune("digits@1", share=1.5)
    assert len(workspace.jobs.list()) == jobs
