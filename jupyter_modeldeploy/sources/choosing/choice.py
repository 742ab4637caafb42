"""Which of a hub repository's files make the model, decided before the first byte.

A repository often holds the same weights for several frameworks, in several precisions; one of them is enough."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.sources.choosing.weight_files import (
    FOLDERS,
    FRAMEWORKS,
    MAIN_NAMES,
    TRAINING,
    Weights,
    canonical_index,
    indexed,
    weights,
)
from jupyter_modeldeploy.sources.reference import AS_NEEDED, Selection

log = logging.getLogger(__name__)
TOP = PurePosixPath(".")
ONNX_FOLDER = "onnx"
PIPELINE = "model_index.json"
IN_MODULES = ("safetensors", "onnx", "pytorch")
QUANTIZATIONS = ("q4_k_m", "q5_k_m", "q4_k_s", "q8_0", "q4_0", "f16", "fp16", "bf16")
PROJECTOR = "mmproj"
KEPT_SUFFIXES = frozenset(
    (".json", ".jsonl", ".txt", ".model", ".spm", ".vocab", ".bpe", ".tiktoken", ".jinja", ".md", ".yaml", ".yml")
)
KEPT_NAMES = frozenset(("LICENSE", "NOTICE", "README"))
CODE = re.compile(r"^(modeling|configuration|tokenization|processing|image_processing|feature_extraction)_\w+\.py$")
SHOWN = 8


def choose(names: Sequence[str], where: str, selection: Selection = AS_NEEDED) -> list[str]:
    """The model's files among a repository's: weights of one kind, configurations, tokenizer, licence.

    Weights of other frameworks and variants and training state are left out. With patterns to include and nothing
    else, exactly the files that match them. Raises InvalidInput, saying what there is, where nothing is left, where
    several choices are equally good and where shards are missing."""
    wanted = matching(names, where, selection)
    if _is_exact(selection):
        return wanted
    paths = [PurePosixPath(name) for name in wanted]
    found = [one for path in paths if (one := weights(path)) is not None and _is_model(one, wanted)]
    framework = selection.framework or _framework(found, wanted)
    if not selection.include_weights:
        chosen: list[Weights] = []
    elif framework is None or not any(one.framework == framework for one in found):
        raise InvalidInput(
            f"{where} holds no weights that can be used{f' with {framework}' if framework else ''}.", _holds(names)
        )
    else:
        chosen = _of_framework(found, framework, wanted, where, selection.variant)
    near = [path for path in paths if _is_near(path, framework)]
    code = {path.parent for path in near if CODE.match(path.name)}
    companions = {path for one in chosen for path in paths if _belongs(path, one)}
    shards = {one.key for one in chosen if one.shard is not None}
    kept = {path for path in near if _is_kept(path, code) and (indexed(path) is None or indexed(path) in shards)}
    result = kept | companions | {one.path for one in chosen}
    if not result:
        raise InvalidInput(f"Nothing is left of {where}.", _holds(names))
    left = [str(path) for path in paths if path in result]
    log.info("%s: %s", where, reason(names, left))
    return left


def matching(names: Sequence[str], where: str, selection: Selection) -> list[str]:
    """The names that the selection's patterns leave. A pattern that ends in `/` means all below that folder."""
    left = [
        name
        for name in names
        if (not selection.include or _matches(name, selection.include)) and not _matches(name, selection.exclude)
    ]
    if not left:
        patterns = " ".join([*selection.include, *(f"not {pattern}" for pattern in selection.exclude)])
        raise InvalidInput(f"No file of {where} matches{f' {patterns!r}' if patterns else ''}.", _holds(names))
    return left


def reason(names: Sequence[str], chosen: Sequence[str]) -> str:
    """What was chosen and what else there is, in one line."""
    taken = [one for name in chosen if (one := weights(PurePosixPath(name))) is not None]
    kinds = _kinds(taken)
    others = _kinds(one for name in names if (one := weights(PurePosixPath(name))) is not None and name not in chosen)
    text = f"{len(chosen)} of {len(names)} files"
    if kinds:
        text += f", weights: {', '.join(kinds)}"
    return text + (f" (left out: {', '.join(others)})" if others else "")


def placed(chosen: Sequence[str], selection: Selection = AS_NEEDED) -> list[str]:
    """Where each chosen file belongs: as in the repository where patterns alone named them.

    Else an ONNX model in a folder `onnx/` of its own goes to the top, beside its configuration, and a variant gets the
    name that libraries look for (`model.fp16.safetensors` becomes `model.safetensors`, also its index)."""
    if _is_exact(selection):
        return list(chosen)
    alone = not any("/" not in name and weights(PurePosixPath(name)) for name in chosen)
    taken = set(chosen)
    places = []
    for name in chosen:
        place = name.removeprefix(f"{ONNX_FOLDER}/") if alone else name
        path = PurePosixPath(place)
        known = weights(path)
        place = str(known.canonical) if known else str(canonical_index(path)) if indexed(path) else place
        place = name if place in taken and place != name else place
        taken.add(place)
        places.append(place)
    return places


def _is_exact(selection: Selection) -> bool:
    """Whether patterns alone say what is wanted."""
    return bool(selection.include and selection.include_weights and not (selection.framework or selection.variant))


def _is_model(one: Weights, names: Sequence[str]) -> bool:
    """An .xml file is a model only beside its .bin."""
    return one.framework != "openvino" or str(one.path.with_suffix(".bin")) in names


def _framework(found: Sequence[Weights], names: Sequence[str]) -> str | None:
    """The best at the top, else in the folders of a pipeline or of its own."""
    top = [one for one in found if one.path.parent == TOP and PIPELINE not in names]
    for framework in FRAMEWORKS:
        if any(one.framework == framework for one in top):
            return framework
    below = (
        one.framework for name in FRAMEWORKS for one in found if one.framework == name and _is_near(one.path, name)
    )
    return next(below, None)


def _is_near(path: PurePosixPath, framework: str | None) -> bool:
    """Whether a file is in no folder that belongs to another framework or to a training."""
    other = frozenset().union(*(names for name, names in FOLDERS.items() if name != framework))
    return not any(part in other or TRAINING.match(part) for part in path.parts[:-1])


def _of_framework(
    found: Sequence[Weights], framework: str, names: Sequence[str], where: str, variant: str | None
) -> list[Weights]:
    near = [one for one in found if _is_near(one.path, framework)]
    below = [one for one in near if one.path.parent != TOP]
    if PIPELINE in names and any(one.framework == framework for one in below):
        near = below  # a pipeline's parts; what lies at the top is all of them once more
    available = sorted({one.variant for one in near if one.variant and one.framework == framework})
    if variant and not any(variant.lower() == one.lower() for one in available):
        raise InvalidInput(
            f"{where} has no variant {variant!r} of its {framework} weights.",
            f"It has {', '.join(available) or 'none'}; without a variant the plain ones are taken.",
        )
    chosen: list[Weights] = []
    for folder in dict.fromkeys(one.path.parent for one in near):
        inside = [one for one in near if one.path.parent == folder]
        kinds = (framework,) if folder == TOP else (framework, *IN_MODULES)
        best = next((kind for kind in kinds if any(one.framework == kind for one in inside)), None)
        chosen += _of_folder([one for one in inside if one.framework == best], where, variant)
    return chosen


def _of_folder(inside: list[Weights], where: str, variant: str | None) -> list[Weights]:
    """The weights of one kind in one folder: of one suffix, the main ones, of one variant, all shards or none."""
    if not inside:
        return []
    suffix = min(inside, key=lambda one: FRAMEWORKS[one.framework].index(one.suffix)).suffix
    inside = [one for one in inside if one.suffix == suffix]
    if suffix == ".gguf":
        return _quantized(inside, where, variant)
    main = next((name for name in MAIN_NAMES if any(one.base == name for one in inside)), None)
    return _whole(_of_variant([one for one in inside if main in (None, one.base)], where, variant), where)


def _of_variant(inside: list[Weights], where: str, variant: str | None) -> list[Weights]:
    wanted = [one for one in inside if variant and (one.variant or "").lower() == variant.lower()]
    plain = [one for one in inside if one.variant is None]
    variants = sorted({one.variant for one in inside if one.variant})
    if wanted or plain or len(variants) == 1:
        return wanted or plain or inside
    raise InvalidInput(
        f"{where} has its weights in {len(variants)} variants: {', '.join(variants)}.",
        f"Choose one: variant {variants[0]}.",
    )


def _quantized(inside: list[Weights], where: str, variant: str | None) -> list[Weights]:
    """One model of a GGUF repository, of the wanted or a usual quantization, with its projector for images."""
    models = [one for one in inside if not one.path.name.startswith(PROJECTOR)]
    projectors = [one for one in inside if one.path.name.startswith(PROJECTOR)]
    bases = sorted({one.base for one in models})
    if len(bases) > 1:
        raise InvalidInput(
            f"{where} holds {len(bases)} GGUF models: {', '.join(bases[:SHOWN])}.",
            f"Choose one by a pattern to include: {bases[0]}*",
        )
    chosen = _of_variant(models, where, variant or _usual(models))
    return _whole(chosen, where) + _of_variant(projectors, where, _usual(projectors, ("f16", "bf16", "f32")))


def _usual(inside: Iterable[Weights], order: Sequence[str] = QUANTIZATIONS) -> str | None:
    there = {(one.variant or "").lower() for one in inside}
    return next((name for name in order if name in there), None)


def _whole(inside: list[Weights], where: str) -> list[Weights]:
    """One file rather than its shards; all of the shards."""
    single = {one.key for one in inside if one.shard is None}
    left = [one for one in inside if one.shard is None or one.key not in single]
    for key, total in {(one.key, one.shards) for one in left if one.shards}:
        there = {one.shard for one in left if (one.key, one.shards) == (key, total)}
        if missing := sorted(set(range(1, total + 1)) - there):
            raise InvalidInput(
                f"{where} lacks {len(missing)} of the {total} shards of {key[2]}{key[1]}, the first is {missing[0]}.",
                "Fetch another revision, or other weights.",
            )
    return left


def _belongs(path: PurePosixPath, one: Weights) -> bool:
    """Whether `path` is a part of the weights `one`: external data, an OpenVINO model's weights, a SavedModel."""
    name = path.name
    if one.framework == "onnx":
        data = name.startswith((f"{one.path.name}_data", f"{one.path.name}.data")) or name == f"{one.path.stem}.data"
        return path.parent == one.path.parent and data
    if one.framework in ("openvino", "paddle"):
        suffixes = (".bin", ".pdmodel", ".pdiparams", ".json")
        return path.parent == one.path.parent and path.stem == one.path.stem and path.suffix in suffixes
    if one.path.name == "saved_model.pb":
        below = path.relative_to(one.path.parent) if path.is_relative_to(one.path.parent) else None
        return below is not None and (below.parts[0] in ("variables", "assets") or below.suffix == ".pb")
    return False


def _is_kept(path: PurePosixPath, code: set[PurePosixPath]) -> bool:
    """Configurations, tokenizer, licence, card; the code of a model that brings its own, which runs only if trusted."""
    if path.name.startswith("."):
        return False
    return (
        path.suffix.lower() in KEPT_SUFFIXES
        or path.name in KEPT_NAMES
        or (path.suffix == ".py" and path.parent in code)
    )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, f"{pattern}*" if pattern.endswith("/") else pattern) for pattern in patterns)


def _kinds(found: Iterable[Weights]) -> list[str]:
    return list(dict.fromkeys(f"{one.framework} {one.variant}" if one.variant else one.framework for one in found))


def _holds(names: Sequence[str]) -> str:
    """What there is: kinds of weights, and some names."""
    kinds = _kinds(one for name in names if (one := weights(PurePosixPath(name))) is not None)
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return f"It holds {'weights for ' + ', '.join(kinds) + ': ' if kinds else ''}{shown or 'no files'}."
