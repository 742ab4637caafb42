"""Checkpoints of transformers and sentence-transformers: config.json beside weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.records import Embedding, Format
from jupyter_modeldeploy.sources.formats import image_signature, safetensors_file, text_signature, torch_archive
from jupyter_modeldeploy.sources.formats.bounded import AGAIN, json_object, json_value
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.formats.tasks import CONFIG, ENCODER_TASK, architecture, classes_of, task_of
from jupyter_modeldeploy.sources.formats.weights import Weights

WEIGHTS = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
INDEX = ".index.json"
MODULES = "modules.json"
SENTENCE_TRANSFORMERS = "sentence_transformers.models."
POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean-sqrt-length",
    "pooling_mode_weightedmean_tokens": "weighted-mean",
    "pooling_mode_lasttoken": "last",
}
UNTRAINED = "A configuration without weights: a network that has learnt nothing; fine-tune it."
TRAINED_FROM_NOTHING = frozenset(("image-classification",))
AS_SERVED = "Its embeddings are served as the mean over its tokens, brought to length 1"


def recognise(folder: Path, config: dict[str, Any] | None) -> Recognised | None:
    """The checkpoint whose config.json and weights lie in `folder` itself. Raises InvalidInput for shards that are
    missing, UnsafeContent for an index that names files elsewhere."""
    primary = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if config is None or primary is None or "model_type" not in config:
        return None
    _check_shards(primary)
    modules = _modules(folder)
    task = ENCODER_TASK if modules else task_of(config)
    embedding = _embedding(folder, modules) if modules else None
    notes = [_pickled(primary), _otherwise_embedded(embedding, modules)]
    return Recognised(
        Format.transformers,
        task,
        text_signature.signature(config, task) or image_signature.signature(config, task),
        classes_of(config, task),
        primary,
        " ".join(note for note in notes if note),
        framework="sentence-transformers" if modules else "transformers",
        architecture=architecture(config) or str(config["model_type"]),
        embedding=embedding,
    )


def untrained(folder: Path, config: dict[str, Any] | None) -> Recognised | None:
    """A config.json alone, for a task that can be trained from nothing."""
    if config is None or "model_type" not in config or task_of(config) not in TRAINED_FROM_NOTHING:
        return None
    return Recognised(
        Format.transformers,
        task_of(config),
        None,
        None,
        folder / CONFIG,
        UNTRAINED,
        framework="transformers",
        architecture=architecture(config) or str(config["model_type"]),
    )


def weights(recognised: Recognised) -> Weights | None:
    """The parameters of all the checkpoint's shards; None where a pickle's do not tell, and where there are none."""
    if recognised.primary.name == CONFIG:
        return None
    files = shards(recognised.primary)
    if files[0].suffix == ".safetensors":
        return safetensors_file.count(files)
    return torch_archive.count(files)


def shards(primary: Path) -> list[Path]:
    """The files that hold the weights: `primary`, or what it lists where it is an index."""
    if not primary.name.endswith(INDEX):
        return [primary]
    listed = json_object(primary).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise InvalidInput(f"{primary.name} lists no weights.", AGAIN)
    return [primary.parent / name for name in sorted({str(name) for name in listed.values()})]


def _check_shards(primary: Path) -> None:
    """Every file that an index names must lie beside it."""
    for shard in shards(primary):
        if shard.parent != primary.parent or shard.name in ("", "..", "."):
            named = shard.relative_to(primary.parent) if shard.is_relative_to(primary.parent) else shard
            raise UnsafeContent(f"{primary.name} names {str(named)!r}, outside its folder.", "Nothing was added.")
        if not shard.is_file():
            raise InvalidInput(f"{primary.name} needs {shard.name}, which is missing.", "Fetch the whole folder.")


def _pickled(primary: Path) -> str:
    if ".safetensors" in primary.name:
        return ""
    return f"Only weights in safetensors are loaded, and {primary.name} is a pickle: ask for them, or convert them."


def _modules(folder: Path) -> list[dict[str, str]]:
    """The parts of a sentence-transformers model in their order; empty for any other."""
    if not (folder / MODULES).is_file():
        return []
    listed = json_value(folder / MODULES)
    if not isinstance(listed, list) or not all(isinstance(module, dict) for module in listed):
        raise InvalidInput(f"{MODULES} is no list of modules.", AGAIN)
    return [{key: str(module.get(key, "")) for key in ("path", "type")} for module in listed]


def _embedding(folder: Path, modules: list[dict[str, str]]) -> Embedding | None:
    pooling = next((module for module in modules if module["type"].endswith(".Pooling")), None)
    if pooling is None:
        return None
    config = _beside(folder, Path(pooling["path"]) / CONFIG)
    named = [name for key, name in POOLINGS.items() if config.get(key) is True]
    if isinstance(config.get("pooling_mode"), str):  # as later versions write it
        named = [config["pooling_mode"]]
    dimensions = config.get("word_embedding_dimension", config.get("embedding_dimension"))
    most = _beside(folder, Path("sentence_bert_config.json")).get("max_seq_length")
    return Embedding(
        pooling="+".join(named) or "mean",
        normalized=any(module["type"].endswith(".Normalize") for module in modules),
        dimensions=dimensions if isinstance(dimensions, int) else None,
        max_tokens=most if isinstance(most, int) else None,
    )


def _beside(folder: Path, path: Path) -> dict[str, Any]:
    """The object in a JSON file of the folder; empty where there is none, or the path leads elsewhere."""
    place = folder / path
    if not place.is_file() or not place.resolve().is_relative_to(folder.resolve()):
        return {}
    return json_object(place)


def _otherwise_embedded(embedding: Embedding | None, modules: list[dict[str, str]]) -> str:
    """What is lost where the embeddings that are served here are not those of sentence-transformers."""
    known = ("Transformer", "Pooling", "Normalize")
    more = [module["type"].rpartition(".")[2] for module in modules if not module["type"].endswith(known)]
    if more:
        return f"{AS_SERVED}, without its layers {', '.join(more)[:200]}: they differ from sentence-transformers'."
    if embedding is not None and embedding.pooling != "mean":
        return f"{AS_SERVED}; the model itself pools by {embedding.pooling}, so that they differ."
    return ""
