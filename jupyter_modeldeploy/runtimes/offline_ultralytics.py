"""The package ultralytics, kept from the network, from the user's settings and from running what files say.

Everything of it is imported from here: it reads its environment when it is first imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import torch
from PIL import Image

from jupyter_modeldeploy import torchvision_ops
from jupyter_modeldeploy.errors import Unavailable

_settings = tempfile.mkdtemp(prefix="modeldeploy-ultralytics-")
atexit.register(shutil.rmtree, _settings, ignore_errors=True)
os.environ.update(
    {
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_VERBOSE": "false",
        "YOLO_CONFIG_DIR": _settings,
        "ULTRALYTICS_SAFE_LOAD": "true",
    }
)
torchvision_ops.usable()
_torch_save, _image_open = torch.save, Image.open

from ultralytics import utils  # noqa: E402
from ultralytics.cfg import get_cfg  # noqa: E402
from ultralytics.data.dataset import YOLODataset  # noqa: E402
from ultralytics.nn import tasks  # noqa: E402
from ultralytics.utils import metrics  # noqa: E402
from ultralytics.utils.nms import non_max_suppression  # noqa: E402

__all__ = ["YOLODataset", "check_safe", "get_cfg", "metrics", "non_max_suppression", "tasks"]

torch.save, Image.open = _torch_save, _image_open  # ultralytics puts its own in their places, for everybody
tasks.SAFE_LOAD = True  # of pickles known classes alone, no eval of descriptions; also where it was imported before
utils.SETTINGS.update(
    {"sync": False}
    | dict.fromkeys(("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb", "vscode_msg"), False)
)


def check_safe() -> None:
    """Raise Unavailable where this ultralytics would run what a file says."""
    if not tasks._SafeLoad.restricted():
        raise Unavailable("This ultralytics loads whatever a file says.", "Install ultralytics 8.4.190 or later.")
