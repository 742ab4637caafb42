"""What the name of a file says of the weights in it: their framework, their variant, and which shard it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

FRAMEWORKS: Final[dict[str, tuple[str, ...]]] = {
    "safetensors": (".safetensors",),
    "onnx": (".onnx",),
    "pytorch": (".bin", ".pt", ".pt2", ".pth", ".ckpt"),
    "gguf": (".gguf",),
    "tensorflow": (".keras", ".h5", ".pb", ".tflite"),
    "flax": (".msgpack",),
    "openvino": (".xml",),
    "paddle": (".pdiparams", ".pdparams"),
    "scikit-learn": (".skops", ".joblib", ".pkl"),
}
"""Suffixes of weights, the framework that is preferred first: safetensors cannot run code, a pickle can."""

FOLDERS: Final[dict[str, frozenset[str]]] = {
    "onnx": frozenset(("onnx",)),
    "openvino": frozenset(("openvino",)),
    "tensorflow": frozenset(("tf", "tflite", "saved_model")),
    "flax": frozenset(("flax", "jax")),
    "gguf": frozenset(("gguf",)),
    "": frozenset(("coreml", "original", "metal", "mlx", "runs", "logs")),
}
"""Folders that hold a second copy of a model for one framework; under "" those for none that can be asked for."""

MAIN_NAMES = ("model", "diffusion_pytorch_model", "pytorch_model", "tf_model", "flax_model", "adapter_model")
PICKLED_NAMES = (*MAIN_NAMES, "pytorch_lora_weights", "learned_embeds", "diffusion_model")
STATES = ("optimizer", "scheduler", "rng_state", "random_states", "training_args", "scaler", "trainer_state")
PRECISION = re.compile(r"_(O[1-4]|(?:q?u?int|fp|bf|float|q|bnb)\d\w*|quantized|optimized)$", re.IGNORECASE)
SHARD = re.compile(r"-(\d{5})-of-(\d{5})")
VARIANT = re.compile(r"\.([A-Za-z][A-Za-z0-9_]*)$")
QUANTIZATION = re.compile(r"[-._]((?:UD-)?(?:I?Q|TQ)\d\w*|BF16|F16|F32|FP16|MXFP4\w*)$", re.IGNORECASE)
DOTTED = frozenset(("safetensors", "pytorch", "tensorflow", "flax"))
INDEX = re.compile(r"^(?P<base>.+?)\.(?P<kind>safetensors|bin)\.index(?:\.(?P<variant>\w+))?\.json$")
TRAINING = re.compile(r"^checkpoint-\d+$")
Key = tuple[PurePosixPath, str, str, str | None]
"""What the shards of one model share: the folder, the suffix, the base name and the variant."""


@dataclass(frozen=True)
class Weights:
    """One file of weights. `base` is its name without variant, shard and suffix; `shards` how many there are of it."""

    path: PurePosixPath
    framework: str
    base: str
    variant: str | None = None
    shard: int | None = None
    shards: int | None = None

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    @property
    def key(self) -> Key:
        return self.path.parent, self.suffix, self.base, self.variant

    @property
    def canonical(self) -> PurePosixPath:
        """Where a library looks for it that was not told of the variant. Shards are named by their index."""
        if self.variant is None or self.shard is not None or self.framework not in DOTTED:
            return self.path
        return self.path.with_name(self.base + self.path.suffix)


def weights(path: PurePosixPath) -> Weights | None:
    """What `path` says of itself; None for a file that holds no weights: a configuration, the state of a training.

    Variants are named as transformers and diffusers name them (`model.fp16.safetensors`, with shards
    `model.fp16-00001-of-00002.safetensors` or `model-00001-of-00002.fp16.safetensors`), with ONNX and OpenVINO
    `model_fp16.onnx`, with GGUF `name-Q4_K_M.gguf` or `name.Q4_K_M.gguf`."""
    framework = next((name for name, suffixes in FRAMEWORKS.items() if path.suffix.lower() in suffixes), None)
    stem = path.name.removesuffix(path.suffix)
    if framework is None or stem.startswith(STATES) or (path.suffix == ".bin" and not stem.startswith(PICKLED_NAMES)):
        return None
    shard = SHARD.search(stem)
    base, variant = _variant(SHARD.sub("", stem), framework)
    number, of = (int(shard[1]), int(shard[2])) if shard else (None, None)
    return Weights(path, framework, base, variant, number, of)


def indexed(path: PurePosixPath) -> Key | None:
    """Which shards an index such as `model.safetensors.index.fp16.json` lists; None for any other file."""
    match = INDEX.match(path.name)
    if match is None:
        return None
    base, inner = _variant(match["base"], "safetensors")
    return path.parent, f".{match['kind']}", base, match["variant"] or inner


def canonical_index(path: PurePosixPath) -> PurePosixPath:
    """Where an index belongs that a library finds without being told of the variant."""
    folder, suffix, base, _ = indexed(path) or (path.parent, "", path.name, None)
    return folder / f"{base}{suffix}.index.json"


def _variant(stem: str, framework: str) -> tuple[str, str | None]:
    match = VARIANT.search(stem) if framework in DOTTED else None
    if framework in ("onnx", "openvino"):
        match = PRECISION.search(stem)
    elif framework == "gguf":
        match = QUANTIZATION.search(stem)
    return (stem[: match.start()], match[1]) if match else (stem, None)
