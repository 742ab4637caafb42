"""People's own models and loaders, trained by several processes that share each batch."""

from jupyter_modeldeploy.training.distributed.launcher import Launcher as Launcher
from jupyter_modeldeploy.training.distributed.result import DistributedResult as DistributedResult
from jupyter_modeldeploy.training.distributed.result import EpochResult as EpochResult
from jupyter_modeldeploy.training.distributed.trainer import DistributedTrainer as DistributedTrainer
