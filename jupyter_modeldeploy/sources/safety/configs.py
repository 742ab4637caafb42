"""Configurations: JSON and YAML whose keys make a library import something, and chat templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_modeldeploy import functions
from jupyter_modeldeploy.records import Finding
from jupyter_modeldeploy.sources.safety import keras, templates

MAX_BYTES, MAX_TOKENIZER_BYTES = 16 << 20, 512 << 20
TOKENIZERS = ("tokenizer.json", "vocab.json", "added_tokens.json")
"""Lists of tokens, which may be long and hold no settings."""

CODE_KEYS = {
    "auto_map": "asks to run the model's own code",
    "custom_pipelines": "asks to run the model's own code",
    "custom_generate": "asks to run the model's own code",
    "trust_remote_code": "asks to run code of whoever made the model",
    "auto_mapping": "names a class to import",
    "_target_": "names something to import and call",
}
CALLABLES = frozenset(("activation_function", "activation_fn", "sbert_ce_default_activation_function", "loss_function"))
ATTENTION = frozenset(("attn_implementation", "_attn_implementation", "_attn_implementation_internal"))
HARMLESS_MODULES = ("torch.nn.", "transformers.", "sentence_transformers.", "diffusers.", "peft.")
PYTHON_TAG = re.compile(r"!!python/|tag:yaml\.org,2002:python")
YAML_TARGET = re.compile(r"^\s*-?\s*_target_\s*:\s*(\S+)", re.MULTILINE)
PIPELINE_MODULES = frozenset(
    (
        *("diffusers", "transformers", "onnxruntime", "optimum", "flax", "sentencepiece", "torchaudio"),
        *("stable_diffusion", "stable_diffusion_safe", "stable_diffusion_xl", "paint_by_example", "alt_diffusion"),
        *("latent_diffusion", "versatile_diffusion", "unclip", "deepfloyd_if", "kandinsky", "audioldm", "audioldm2"),
        *(
            "shap_e",
            "wuerstchen",
            "stable_cascade",
            "spectrogram_diffusion",
            "vq_diffusion",
            "unidiffuser",
            "hunyuandit",
        ),
        *("blip_diffusion", "semantic_stable_diffusion", "controlnet", "musicldm", "stable_audio", "kolors", "flux"),
    )
)


def look(folder: Path, files: Sequence[tuple[Path, str]]) -> list[Finding]:
    """Findings in all configurations and templates of the folder."""
    return [finding for path, name in files for finding in _look(path, name, folder)]


def _look(path: Path, name: str, folder: Path) -> Iterator[Finding]:
    suffix, size = path.suffix.lower(), path.stat().st_size
    if suffix in (".jinja", ".jinja2", ".j2"):
        yield from templates.look(_text(path, size), name)
    elif suffix in (".yaml", ".yml"):
        yield from _look_at_yaml(_text(path, size), name)
    elif suffix == ".json":
        most = MAX_TOKENIZER_BYTES if path.name in TOKENIZERS else MAX_BYTES
        if size > most and not path.name.endswith(".index.json"):
            message = f"is {size} bytes long, too long for a configuration to be looked through"
            yield Finding(file=name, kind="header", dangerous=False, message=message)
        elif path.name not in TOKENIZERS:
            yield from _look_at_json(path, name, folder)
    elif path.name == functions.SOURCE and (path.parent / functions.DESCRIPTION).is_file():
        yield Finding(file=name, kind="custom-code", dangerous=False, message="is a function that asks to be served")
    elif name.endswith("custom_generate/generate.py"):
        yield Finding(file=name, kind="custom-code", dangerous=False, message="is code that generation may run")


def _text(path: Path, size: int) -> str:
    with path.open("rb") as stream:
        return stream.read(min(size, MAX_BYTES)).decode("utf-8", "replace")


def _look_at_yaml(text: str, name: str) -> Iterator[Finding]:
    if PYTHON_TAG.search(text):
        message = "makes Python objects when it is read as full YAML"
        yield Finding(file=name, kind="custom-code", dangerous=True, message=message)
    for target in sorted(set(YAML_TARGET.findall(text))):
        message = f"{CODE_KEYS['_target_']} (_target_: {target[:100]})"
        yield Finding(file=name, kind="custom-code", dangerous=False, message=message)


def _look_at_json(path: Path, name: str, folder: Path) -> Iterator[Finding]:
    try:
        settings = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return  # nobody can read it: whoever needs it says so
    if path.name == "modules.json" and isinstance(settings, list):
        yield from _look_at_modules(settings, name)
    if path.name == "model_index.json" and isinstance(settings, dict):
        yield from _look_at_pipeline(settings, name, path.parent)
    yield from _look_at_settings(settings, name)
    yield from keras.look(settings, name)


def _look_at_settings(settings: Any, name: str) -> Iterator[Finding]:
    """Findings in a configuration, however deep they lie in it."""
    waiting = [settings]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(node.values())
            for key, value in node.items():
                yield from _look_at_key(key, value, name)
        elif isinstance(node, list):
            waiting.extend(node)


def _look_at_key(key: str, value: Any, name: str) -> Iterator[Finding]:
    if key in CODE_KEYS and value:
        message = f"{CODE_KEYS[key]} ({key}: {_shown(value)})"
        yield Finding(file=name, kind="custom-code", dangerous=False, message=message)
    elif key in CALLABLES and isinstance(value, str) and "." in value and not value.startswith(HARMLESS_MODULES):
        message = f"would import {value[:200]} when loaded ({key})"
        yield Finding(file=name, kind="custom-code", dangerous=True, message=message)
    elif key in ATTENTION and isinstance(value, str) and "/" in value:
        message = f"would download and run a kernel of {value[:200]!r} ({key})"
        yield Finding(file=name, kind="custom-code", dangerous=False, message=message)
    elif key == "chat_template":
        for template in _templates(value):
            yield from templates.look(template, name)


def _templates(value: Any) -> Iterator[str]:
    """One template, or several by their names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (one for one in value.values() if isinstance(one, str))
    elif isinstance(value, list):
        yield from (str(one["template"]) for one in value if isinstance(one, dict) and "template" in one)


def _look_at_modules(modules: list[Any], name: str) -> Iterator[Finding]:
    """sentence-transformers imports the class of each of its modules by its dotted name."""
    for module in modules:
        made = str(module.get("type", "")) if isinstance(module, dict) else ""
        if made and not made.startswith("sentence_transformers."):
            message = f"would import {made[:200]} when loaded, which is not of sentence-transformers"
            yield Finding(file=name, kind="custom-code", dangerous=False, message=message)


def _look_at_pipeline(index: dict[str, Any], name: str, folder: Path) -> Iterator[Finding]:
    """diffusers imports the class of each part of a pipeline from the library that stands beside it."""
    pipeline = index.get("_class_name")
    if isinstance(pipeline, list):
        message = f"asks to run the pipeline's own code ({_shown(pipeline)})"
        yield Finding(file=name, kind="custom-code", dangerous=False, message=message)
    for part, made in index.items():
        if part.startswith("_") or not isinstance(made, list) or len(made) != 2 or not isinstance(made[0], str):
            continue
        own = (folder / PurePosixPath(part).name / f"{made[0]}.py").is_file()
        if own or made[0].partition(".")[0] not in PIPELINE_MODULES:
            message = f"would import {_shown(made)} when loaded, which is not of diffusers or transformers"
            yield Finding(file=name, kind="custom-code", dangerous=False, message=message)


def _shown(value: Any) -> str:
    return str(value)[:200]
