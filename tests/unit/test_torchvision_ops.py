from __future__ import annotations

import subprocess
import sys

import torch

PROGRAM = """
import jupyter_modeldeploy, sys
assert "torch" not in sys.modules
from transformers import PreTrainedModel
import torchvision
print(len(torchvision.transforms.__name__))
"""


def test_transformers_and_torchvision_are_imported_beside_a_torch_for_another_device() -> None:
    ended = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr[-2000:]


def test_suppression_keeps_the_best_of_boxes_that_overlap() -> None:
    from jupyter_modeldeploy import torchvision_ops

    torchvision_ops.usable()
    from torchvision.ops import nms

    boxes = torch.tensor([[0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30], [0, 0, 10, 5]], dtype=torch.float32)
    scores = torch.tensor([0.5, 0.9, 0.3, 0.8])

    assert nms(boxes, scores, 0.5).tolist() == [1, 3, 2]
    assert nms(boxes, scores, 0.35).tolist() == [1, 2]
    assert nms(boxes[:0], scores[:0], 0.5).tolist() == []
