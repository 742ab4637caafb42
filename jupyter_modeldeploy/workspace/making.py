"""New versions of versions that are there: trained, converted, in fewer bits, smaller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from jupyter_modeldeploy.jobs.kinds.convert import Target
from jupyter_modeldeploy.optimize.converting.graph_options import Graph
from jupyter_modeldeploy.optimize.quantizing.options import Method
from jupyter_modeldeploy.records import Version
from jupyter_modeldeploy.records.optimizations import Target as OptimizationTarget
from jupyter_modeldeploy.records.sweeps import Option, Search
from jupyter_modeldeploy.training.sweeps.space import Range
from jupyter_modeldeploy.training.sweeps.study import Pruning
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.versions import Versions

if TYPE_CHECKING:
    from jupyter_modeldeploy.reporting.optimization import OptimizationReport


class Making(Versions):
    def finetune(self, base: str, dataset: str, name: str, reuse: bool = False, **options: Any) -> JobHandle:
        """Fine-tune `base` on a dataset as the next version of `name`; `options` are those of `FinetuneOptions`."""
        self._store.models.check_name(name)
        return self._submit(
            "finetune",
            base=self._loadable(base).ref,
            dataset=self._store.datasets.get(dataset).ref,
            name=name,
            options=options,
            reuse=reuse,
        )

    def sweep(
        self,
        base: str,
        dataset: str,
        name: str,
        vary: Mapping[str, Sequence[Option] | str | Range],
        search: Search = "bayesian",
        trials: int | None = None,
        metric: str | None = None,
        pruning: Pruning = "median",
        reuse: bool = False,
        **options: Any,
    ) -> JobHandle:
        """Fine-tune `base` with different options, and make the best trial the next version of `name`.

        `vary` names the options that vary, each over a list of values or between two ends, as
        `{"learning_rate": "1e-5..1e-3:log", "batch_size": [16, 32]}`; the other `options` are those of
        `FinetuneOptions`. `metric` on validation rows decides; the version's own figures are of the held-out rows. The
        result is a `SweepResult`. Raises InvalidInput for what cannot vary so."""
        self._store.models.check_name(name)
        return self._submit(
            "sweep",
            base=self._loadable(base).ref,
            dataset=self._store.datasets.get(dataset).ref,
            name=name,
            vary={option: list(each) if isinstance(each, tuple) else each for option, each in vary.items()},
            search=search,
            trials=trials,
            metric=metric,
            pruning=pruning,
            options=options,
            reuse=reuse,
        )

    def convert(
        self,
        version: str,
        target: Target = "onnx",
        reuse: bool = False,
        graph: Graph = "as-exported",
        opset: int | None = None,
    ) -> JobHandle:
        """Convert a version; the new one is registered only if it gives the same answers.

        `graph` says what to do with an ONNX graph, also with that of a version that is ONNX already: `slim`, `fused`,
        or `fastest`, which tries and measures and may find that nothing is faster. `opset` is for another runtime."""
        ref = self._loadable(version).ref
        return self._submit("convert", version=ref, target=target, reuse=reuse, graph=graph, opset=opset)

    def quantize(self, version: str, dataset: str | None = None, reuse: bool = False, **options: Any) -> JobHandle:
        """Quantize an ONNX version and measure the accuracy difference on held-out data; `options` are those of
        `QuantizeOptions`: `method="static-int8"` calibrates with the dataset's training rows."""
        return self._submit(
            "quantize",
            version=self._loadable(version).ref,
            dataset=self._dataset(dataset),
            options=options,
            reuse=reuse,
        )

    def distil(
        self,
        teacher: str,
        dataset: str,
        name: str | None = None,
        student: str | None = None,
        layers: int | None = None,
        width: float | None = None,
        temperature: float = 2.0,
        soft_share: float = 0.5,
        reuse: bool = False,
        **options: Any,
    ) -> JobHandle:
        """Teach a smaller classifier by a version on a dataset with its classes, as the next version of `name`, else of
        the teacher's model.

        The student is a version, or it is made of the teacher: of `layers` of its layers with a `width` of its
        feed-forward neurons or channels, by default half of them and three quarters. It learns from the labels and, as
        `soft_share` of the loss, from the teacher's probabilities at a `temperature`; `options` are those of
        `FinetuneOptions`. Its metrics hold the difference to the teacher's on the held-out rows, with its interval."""
        if name is not None:
            self._store.models.check_name(name)
        return self._submit(
            "distil",
            teacher=self._loadable(teacher).ref,
            dataset=self._store.datasets.get(dataset).ref,
            name=name,
            student=self._loadable(student).ref if student else None,
            layers=layers,
            width=width,
            temperature=temperature,
            soft_share=soft_share,
            options=options,
            reuse=reuse,
        )

    def prune(
        self,
        version: str,
        share: float = 0.3,
        method: Literal["structured", "magnitude"] = "structured",
        scope: Literal["global", "layer"] = "global",
        dataset: str | None = None,
        soft_share: float = 0.5,
        reuse: bool = False,
        **options: Any,
    ) -> JobHandle:
        """Take `share` of the channels or feed-forward neurons out of a transformers version, or put that share of its
        smallest weights to 0 (`magnitude`), which makes it smaller where it is compressed and nothing faster.

        With a dataset what is left is trained in the same job, by the labels and, as `soft_share` of the loss, by what
        the whole version answers; `options` are those of `RecoveryOptions`. Without one the new version is to be
        fine-tuned."""
        return self._submit(
            "prune",
            version=self._loadable(version).ref,
            share=share,
            method=method,
            scope=scope,
            dataset=self._dataset(dataset),
            soft_share=soft_share,
            options=options,
            reuse=reuse,
        )

    def optimize(
        self,
        version: str,
        max_loss: str | float = "1%",
        target: OptimizationTarget = "latency",
        dataset: str | None = None,
        minutes: float = 10.0,
        sure: bool = False,
        length: int | None = None,
        methods: Sequence[Method] = (),
        device: Literal["auto", "cpu", "cuda"] = "cpu",
        register: bool = True,
        reuse: bool = False,
    ) -> JobHandle:
        """Search for the form of a version that is best by `target` on this machine and loses at most `max_loss` (`1%`
        or 0.01: percentage points) of its accuracy, or mAP50, on held-out rows; with `sure` not even at the end of the
        95 % interval. Forms in torch and ONNX, in fewer bits by all `methods`, with different threads and batches, are
        measured against each other for at most `minutes`; texts with `length` tokens, where that is said.

        The best becomes a version, unless `register` is off; where nothing is better, the result names the version as
        it was. `optimization(job.id)` shows what was found. Raises InvalidInput for a dataset that cannot judge it."""
        return self._submit(
            "optimize",
            version=self._loadable(version).ref,
            max_loss=max_loss,
            target=target,
            dataset=self._dataset(dataset),
            minutes=minutes,
            sure=sure,
            length=length,
            methods=list(methods),
            device=device,
            include_register=register,
            reuse=reuse,
        )

    def optimization(self, job_id: str) -> OptimizationReport:
        """What a search of `optimize` has found, so far or at its end; in a notebook it shows itself. Raises Conflict
        for another job."""
        from jupyter_modeldeploy.jobs.kinds.optimized import result_of
        from jupyter_modeldeploy.reporting.optimization import OptimizationReport

        return OptimizationReport(**result_of(self._store.jobs.get(job_id)).model_dump())

    def register_optimized(self, job_id: str, point: str) -> Version:
        """Make another point of a search's front a version of the model. Raises NotFound for what is no such point,
        Conflict for a search that has not ended."""
        from jupyter_modeldeploy.jobs.kinds.optimized import register_later

        return register_later(self._store, self._store.jobs.get(job_id), point)
