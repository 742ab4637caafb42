"""Where candidates are made: the model as ONNX, and quantized by each recipe that there is time for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import ModelDeployError, TimedOut
from jupyter_modeldeploy.optimize.quantizing import graph
from jupyter_modeldeploy.optimize.searching import recipes
from jupyter_modeldeploy.optimize.searching.apart import Apart
from jupyter_modeldeploy.optimize.searching.bench import Form
from jupyter_modeldeploy.optimize.searching.recipes import ONNX, Recipe
from jupyter_modeldeploy.optimize.searching.state import State
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.records.optimizations import Candidate, LayerLoss
from jupyter_modeldeploy.runtimes import tensor_files

MAKING = "jupyter_modeldeploy.optimize.searching.making"
SAMPLES = 128
MAKING_SHARE = 0.55
"""Of all the time: what is not made by then is not made."""
BEGUN, DONE = 5.0, 60.0
"""Per cent of the search."""


class Workshop:
    """To be used in a `with`: it works in a process of its own. `calibration(n)` gives at most `n` batches of one
    training row each; `texts` are for the proof that a conversion answers alike."""

    def __init__(
        self, state: State, base: Form, calibration: Callable[[int], list[Tensors]], texts: Sequence[str] | None
    ) -> None:
        self._state, self._base, self._calibration, self._texts = state, base, calibration, texts
        self._maker: Apart | None = None

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *ended: object) -> None:
        if self._maker is not None:
            self._maker.close()

    def make_all(self, methods: Sequence[str]) -> None:
        """By these methods of quantization alone; by all where there are none."""
        state = self._state
        source = self._onnx()
        if source is None:
            return
        operators = graph.operators(graph.read(source.folder))
        installed = find_spec("openvino") is not None and not state.found.device.startswith("cuda")
        wanted = recipes.planned(operators, state.found.target, state.found.device, methods, installed)
        for number, recipe in enumerate(wanted):
            state.tell(BEGUN + (DONE - BEGUN) * (number + 1) / (len(wanted) + 1), f"making {recipe.name}")
            forms = {ONNX: source, **state.forms}
            if recipe.source not in forms:
                state.add(Candidate(name=recipe.name, format=recipe.format, quantization=recipe.options or None))
                state.rule_out(recipe.name, "failed", f"It is made of {recipe.source}, which there is not.")
            elif recipe.format is forms[recipe.source].format:
                self._quantized(recipe, forms[recipe.source])
            else:
                self._converted(recipe, forms[recipe.source])

    def _onnx(self) -> Form | None:
        """The model in 32-bit floats, of which the others are made; None where it could not be converted."""
        if self._base.format is Format.onnx:
            return self._base
        self._state.tell(BEGUN, "converting to ONNX")
        self._state.add(Candidate(name=ONNX, format=Format.onnx))
        question = {
            "what": "convert",
            "from": str(self._base.folder),
            "format": self._base.format.value,
            "target": Format.onnx.value,
            "texts": None if self._texts is None else list(self._texts),
        }
        self._make(ONNX, "convert", question, self._base.size_bytes)
        return self._state.forms.get(ONNX)

    def _converted(self, recipe: Recipe, source: Form) -> None:
        """To another format, with the options that its source was made with."""
        made = self._state.found.candidate(recipe.source)
        options = made.quantization if made else None
        self._state.add(Candidate(name=recipe.name, format=recipe.format, quantization=options))
        question = {
            "what": "convert",
            "from": str(source.folder),
            "format": source.format.value,
            "target": recipe.format.value,
            "texts": None,
        }
        self._make(recipe.name, recipe.format.value, question, source.size_bytes)

    def _quantized(self, recipe: Recipe, source: Form) -> None:
        self._state.add(Candidate(name=recipe.name, format=recipe.format, quantization=self._options(recipe)))
        options = self._state.get(recipe.name).quantization
        question = {"what": "quantize", "from": str(source.folder), "options": options, "calibration": ""}
        if recipe.options["method"] == "static-int8":
            try:
                question["calibration"] = self._calibration_file()
            except ModelDeployError as error:
                self._state.rule_out(recipe.name, "failed", str(error))
                return
        self._make(recipe.name, recipe.name, question, source.size_bytes)

    def _options(self, recipe: Recipe) -> dict[str, Any]:
        """Those of the recipe, with fewer samples to calibrate with where a run takes long."""
        state = self._state
        if recipe.options["method"] != "static-int8" or "samples" in recipe.options:
            return recipe.options
        samples = state.deadline.samples(SAMPLES, state.run_s)
        return recipe.options if samples == SAMPLES else {**recipe.options, "samples": samples}

    def _make(self, name: str, kind: str, question: dict[str, Any], size_bytes: int) -> None:
        """Make a candidate, unless it is made, or there is no time for it."""
        state = self._state
        if name in state.forms or state.get(name).verdict == "failed":
            return
        samples = (question.get("options") or {}).get("samples", SAMPLES)
        told_s = state.deadline.making_s(kind, size_bytes, state.run_s, samples)
        most_s = state.deadline.left_s - (1 - MAKING_SHARE) * state.deadline.seconds
        if told_s > most_s:
            reason = f"It would have taken about {told_s:.0f} s, and {max(0.0, most_s):.0f} s were left for it."
            state.rule_out(name, "no-time", reason)
            return
        folder = state.version_folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        if self._maker is None or self._maker.ended:
            self._maker = Apart(MAKING)
        try:
            made = self._maker.ask({**question, "out": str(folder)}, most_s)
        except TimedOut:
            state.rule_out(name, "no-time", f"It was not made in the {most_s:.0f} s that were left for it.")
            return
        except ModelDeployError as error:
            state.rule_out(name, "failed", str(error))
            return
        state.deadline.took(kind, told_s, made["seconds"])
        state.forms[name] = Form(folder, state.get(name).format, made["size_bytes"])
        layers = [LayerLoss(**layer) for layer in made.pop("layers")]
        state.change(name, **made, layers=layers, verdict="open", reason="")

    def _calibration_file(self) -> str:
        path = self._state.folder / "calibration.npz"
        if not path.exists():
            tensor_files.save(path, self._calibration(SAMPLES))
        return str(path)
