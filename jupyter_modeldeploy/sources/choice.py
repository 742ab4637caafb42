"""Which of a hub repository's files make the model, decided before the first byte.

A repository often holds the same weights for several frameworks; one kind is enough: safetensors, which cannot run
code, before ONNX, before pickles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from jupyter_modeldeploy.errors import InvalidInput

KINDS = (".safetensors", ".onnx", ".bin")
WEIGHTS_NAMES = ("model", "pytorch_model", "adapter_model", "diffusion_pytorch_model")
OTHER_FRAMEWORKS = frozenset(("onnx", "openvino", "coreml", "tf", "tflite", "flax", "jax", "gguf", "original", "metal"))
ONNX_FOLDER = "onnx"
KEPT_SUFFIXES = frozenset(
    (".json", ".jsonl", ".txt", ".model", ".spm", ".vocab", ".bpe", ".jinja", ".md", ".yaml", ".yml")
)
KEPT_NAMES = frozenset(("LICENSE", "NOTICE", "README"))


def choose(names: Sequence[str], where: str) -> list[str]:
    """The model's files among a repository's: weights of one kind, configurations, tokenizer, licence.

    Weights of other frameworks, training state and code are left out. Raises InvalidInput where no weights are left."""
    paths = [PurePosixPath(name) for name in names]
    kind = _kind(paths)
    if kind is None:
        raise InvalidInput(
            f"{where} holds no weights that can be used ({', '.join(KINDS)}).",
            f"It holds {', '.join(names[:8]) or 'no files'}.",
        )
    skipped = OTHER_FRAMEWORKS - ({ONNX_FOLDER} if kind == ".onnx" else set())
    near = [path for path in paths if not skipped & set(path.parts[:-1])]
    folders = {path.parent for path in near}
    weights = {path for folder in folders for path in _weights([one for one in near if one.parent == folder], kind)}
    return [str(path) for path in near if path in weights or _is_kept(path)]


def flattened(name: str, names: Sequence[str]) -> str:
    """Where a file belongs: an ONNX model in a folder `onnx/` of its own goes to the top, beside its configuration."""
    alone = not any("/" not in one and one.endswith(KINDS) for one in names)
    below = name.removeprefix(f"{ONNX_FOLDER}/")
    return below if alone and (below == name or below not in names) else name


def _kind(paths: Sequence[PurePosixPath]) -> str | None:
    """The best kind at the top, else in the folder for ONNX."""
    top = {kind for path in paths if len(path.parts) == 1 and (kind := _weights_kind(path))}
    for kind in KINDS:
        if kind in top:
            return kind
    return ".onnx" if any(path.parts[0] == ONNX_FOLDER and path.suffix == ".onnx" for path in paths) else None


def _weights(folder: Sequence[PurePosixPath], kind: str) -> list[PurePosixPath]:
    """One folder's weights, of the wanted kind or the best there is (a module beside the main one may have another)."""
    kinds = {found for path in folder if (found := _weights_kind(path))}
    best = kind if kind in kinds else next((one for one in KINDS if one in kinds), None)
    chosen = [path for path in folder if _weights_kind(path) == best]
    if best == ".onnx":
        named = [path for path in chosen if path.name == "model.onnx"] or chosen
        beside = tuple(path.name for path in named)
        return [path for path in folder if path in named or (path.name.startswith(beside) and "_data" in path.name)]
    if best is not None and any(path.stem == "model" or path.stem.startswith("model-") for path in chosen):
        return [path for path in chosen if path.stem == "model" or path.stem.startswith("model-")]
    return chosen


def _weights_kind(path: PurePosixPath) -> str | None:
    if path.suffix not in KINDS or (path.suffix == ".bin" and not path.stem.startswith(WEIGHTS_NAMES)):
        return None  # training_args.bin, optimizer.bin: the state of a training, as pickles
    return path.suffix


def _is_kept(path: PurePosixPath) -> bool:
    return (path.suffix.lower() in KEPT_SUFFIXES or path.name in KEPT_NAMES) and not path.name.startswith(".")
