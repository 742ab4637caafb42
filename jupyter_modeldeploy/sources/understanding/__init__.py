"""What a model's files tell of it beyond its format: how large it is, what it may be used for, and what it needs."""

from __future__ import annotations

from pathlib import Path

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Facts, Format
from jupyter_modeldeploy.sources.formats import gguf
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.formats.weights import Weights
from jupyter_modeldeploy.sources.understanding import parameters
from jupyter_modeldeploy.sources.understanding.card import read_card
from jupyter_modeldeploy.sources.understanding.licence import licence_of


def facts(folder: Path, recognised: Recognised) -> Facts:
    """What the files in `folder` say of the model that they were recognised as. They are only read.

    Whatever is not told, or told in a way that makes no sense, is left out."""
    card = read_card(folder)
    weights, uncounted = _count(recognised)
    declared = gguf.licence(recognised.primary) if recognised.format is Format.gguf else None
    return Facts(
        framework=recognised.framework,
        architecture=recognised.architecture,
        parameters=weights.parameters if weights else None,
        dtype=weights.dtype if weights else None,
        memory_bytes=weights.bytes if weights else None,
        license=licence_of(folder, card, declared),
        card=card.file if card else None,
        embedding=recognised.embedding,
        note=" ".join(part for part in (_not_served(recognised), recognised.note, uncounted) if part),
    )


def _count(recognised: Recognised) -> tuple[Weights | None, str]:
    """The parameters, or why a file that should tell does not."""
    try:
        return parameters.count(recognised), ""
    except InvalidInput as error:
        return None, f"Its parameters cannot be counted: {error.message}"


def _not_served(recognised: Recognised) -> str:
    """Why the model cannot be served as it is: what runs and serves models are plugins."""
    format, task = recognised.format, recognised.task
    if format is Format.unknown:
        return ""
    if format.value not in plugins.available("runtimes"):
        return f"It cannot be served as it is: nothing here runs the format {format}."
    if task not in plugins.available("tasks"):
        return f"It cannot be served yet: nothing here serves the task {task}."
    if format is Format.transformers and recognised.signature is None:
        return "It cannot be served as it is: of transformers' checkpoints, encoders and classifiers are run."
    return ""
