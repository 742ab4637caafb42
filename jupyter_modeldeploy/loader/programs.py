"""Which program loads a version, by its format and its task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_modeldeploy import functions
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.loader.writing import Code
from jupyter_modeldeploy.records import Format, NewVersion, Version
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.recognise import recognise
from jupyter_modeldeploy.tasks.model_config import max_tokens

POOLINGS = {
    "mean": "mean",
    "cls": "cls",
    "max": "max",
    "last": "last",
    "lasttoken": "last",
    "weighted-mean": "weighted",
    "weightedmean": "weighted",
    "mean-sqrt-length": "root",
    "mean_sqrt_len_tokens": "root",
}
"""How sentence-transformers calls its poolings, and how the template does."""
HEADS = {
    **dict.fromkeys(("LMHeadModel", "ForCausalLM"), "AutoModelForCausalLM"),
    "ForSequenceClassification": "AutoModelForSequenceClassification",
    "ForTokenClassification": "AutoModelForTokenClassification",
    "ForQuestionAnswering": "AutoModelForQuestionAnswering",
    "ForImageClassification": "AutoModelForImageClassification",
    "ForObjectDetection": "AutoModelForObjectDetection",
    "ForAudioClassification": "AutoModelForAudioClassification",
    "ForSemanticSegmentation": "AutoModelForSemanticSegmentation",
    "ForUniversalSegmentation": "AutoModelForUniversalSegmentation",
    "ForDepthEstimation": "AutoModelForDepthEstimation",
    "ForSpeechSeq2Seq": "AutoModelForSpeechSeq2Seq",
    "ForCTC": "AutoModelForCTC",
}
TRANSFORMERS = {
    "feature-extraction": "transformers_embedding",
    "text-classification": "transformers_text_classification",
    "token-classification": "transformers_token_classification",
    "question-answering": "transformers_question_answering",
    "text-generation": "transformers_text_generation",
    "image-classification": "transformers_image_classification",
    "object-detection": "transformers_object_detection",
}
ARRAYS = {
    "feature-extraction": "arrays_embedding",
    "text-classification": "arrays_text_classification",
    "image-classification": "arrays_image_classification",
    "object-detection": "arrays_object_detection",
}
LIBRARIES = frozenset(
    (
        *(Format.gguf, Format.keras, Format.savedmodel, Format.paddle, Format.sklearn, Format.ultralytics),
        *(Format.adapter, Format.diffusers, Format.torch),
    )
)
"""Formats that one library of their own loads, each with a template of its name."""
NUMPY_NAMES = {"BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64", "BYTES": "object"}


def program_for(version: NewVersion, folder: Path) -> tuple[str, dict[str, Any]]:
    """The template for the version, and the words in it. Raises InvalidInput where nothing loads it."""
    if version.format is Format.python:
        return "function", _of_function(version, folder)
    recognised = recognise(folder)
    words: dict[str, Any] = {
        "made_from": _made_from(version),
        "format": str(version.format),
        "task": version.task,
        "folder": folder,
        "file": recognised.primary.relative_to(folder).as_posix(),
        "recognised": recognised,
    }
    if version.format is Format.transformers:
        return _transformers(version, folder, recognised, words)
    if version.format in (Format.onnx, Format.openvino, Format.torchscript, Format.exported):
        return _arrays(version, folder, words)
    if version.format in LIBRARIES:
        return version.format.value, {**words, **_of_library(version, folder, recognised)}
    raise InvalidInput(f"Nothing is known that loads {words['made_from']}.", recognised.note)


def _transformers(
    version: NewVersion, folder: Path, recognised: Recognised, words: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    config = read_json(folder / "config.json")
    words |= {
        "auto_class": Code(_auto_class(recognised.architecture or "", config)),
        "safetensors": ".safetensors" in recognised.primary.name,
        "own_code": _needs_own_code(version),
        "max_tokens": max_tokens(folder),
        "independent": config.get("problem_type") == "multi_label_classification",
        "encoder_decoder": bool(config.get("is_encoder_decoder")),
    }
    if recognised.framework == "timm" and version.task == "image-classification":
        return "timm", words
    if version.task == "feature-extraction":
        poolings = _poolings(recognised)
        if poolings is None:
            return "sentence_transformers", words
        words |= {
            "poolings": poolings,
            "pooled": [f"pooled_{name}" for name in poolings] if len(poolings) > 1 else ["pooled"],
            "normalized": recognised.embedding is not None and recognised.embedding.normalized,
        }
    if version.task == "text-generation" and words["auto_class"] not in (
        "AutoModelForCausalLM",
        "AutoModelForSeq2SeqLM",
    ):
        return "transformers_other", words
    is_text = version.task in ("feature-extraction", "text-classification")
    if is_text and not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
        return "transformers_other", words
    return TRANSFORMERS.get(version.task, "transformers_other"), words


def _auto_class(architecture: str, config: dict[str, Any]) -> str:
    for head, name in HEADS.items():
        if architecture.endswith(head):
            return name
    if not architecture.endswith("ForConditionalGeneration"):
        return "AutoModel"
    if "vision_config" in config:
        return "AutoModelForImageTextToText"
    return "AutoModelForSpeechSeq2Seq" if "num_mel_bins" in config else "AutoModelForSeq2SeqLM"


def _needs_own_code(version: NewVersion) -> bool:
    """Whether the files ask to run code of their own. Only a trusted version comes as far as this."""
    found = version.verdict.findings if version.verdict else []
    return any(finding.kind == "custom-code" and "auto_map" in finding.message for finding in found)


def _poolings(recognised: Recognised) -> list[str] | None:
    """The poolings of an encoder, the mean where its files name none; None where it takes sentence-transformers."""
    if recognised.framework != "sentence-transformers":
        return ["mean"]
    if recognised.embedding is None or "without its layers" in recognised.note:
        return None
    named = recognised.embedding.pooling.split("+")
    return [POOLINGS[name] for name in named] if all(name in POOLINGS for name in named) else None


def _arrays(version: NewVersion, folder: Path, words: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    inputs = version.signature.inputs if version.signature else []
    config = read_json(folder / "config.json")
    preprocessor = read_json(folder / "preprocessor_config.json")
    known = {"image_processor_type", "feature_extractor_type"} & preprocessor.keys() or "model_type" in config
    fixed = next((spec.shape[1] for spec in inputs if len(spec.shape) == 2 and spec.shape[1] > 0), None)
    words |= {
        "max_tokens": fixed or max_tokens(folder),
        "fixed": fixed is not None,
        "token_dtype": Code("np.int32" if any(spec.dtype == "INT32" for spec in inputs) else "np.int64"),
        "processor": bool(preprocessor and known),
        "independent": config.get("problem_type") == "multi_label_classification",
        "names": "config" if config.get("id2label") else "lines" if (folder / "labels.txt").is_file() else "",
        "inputs": {spec.name: (_numpy_name(spec.dtype), _sample_shape(spec.shape)) for spec in inputs},
        "image": _image(inputs[0].shape) if inputs else None,
    }
    return ARRAYS.get(version.task, "arrays_tensor"), words


def _numpy_name(datatype: str) -> str:
    return NUMPY_NAMES.get(datatype) or datatype.lower()


def _sample_shape(shape: list[int]) -> list[int]:
    """One row; free sides of a picture are 64, of anything else 8."""
    free = 64 if len(shape) == 4 else 8
    return [1 if axis == 0 and side < 0 else side if side >= 0 else free for axis, side in enumerate(shape)]


def _image(shape: list[int]) -> dict[str, Any]:
    """How the model takes pictures: channels first or last, and which size where that is fixed."""
    last = len(shape) == 4 and shape[3] in (1, 3) and shape[1] not in (1, 3)
    sides = shape[1:3] if last else shape[2:4]
    return {"channels_last": last, "sides": [side for side in sides if side > 0]}


def _of_function(version: NewVersion, folder: Path) -> dict[str, Any]:
    name = functions.described(folder).name
    return {"made_from": _made_from(version), "folder": folder, "file": functions.SOURCE, "function": name}


def _made_from(version: NewVersion) -> str:
    return version.ref if isinstance(version, Version) else version.lineage.source or version.model


def _of_library(version: NewVersion, folder: Path, recognised: Recognised) -> dict[str, Any]:
    if version.format is Format.adapter:
        base = read_json(folder / "adapter_config.json").get("base_model_name_or_path")
        heads = {
            "text-classification": "AutoModelForSequenceClassification",
            "token-classification": "AutoModelForTokenClassification",
            "question-answering": "AutoModelForQuestionAnswering",
            "feature-extraction": "AutoModel",
        }
        return {"base": str(base or ""), "auto_class": Code(heads.get(version.task, "AutoModelForCausalLM"))}
    return {"suffix": recognised.primary.suffix.lower()}
