"""torchvision as an oracle: its networks, which are users' modules to the package.

Its wheel on the package index is built for CUDA; beside a CPU-only torch its compiled operators do
not load, and its import ends at the first of them. None of the networks here uses one, so their
names alone are declared, with any signature.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["torchvision_net"]

_OPERATORS = (
    "nms", "qnms", "roi_align", "_roi_align_backward", "roi_pool", "_roi_pool_backward",
    "ps_roi_align", "_ps_roi_align_backward", "ps_roi_pool", "_ps_roi_pool_backward",
    "deform_conv2d", "_deform_conv2d_backward",
)  # fmt: skip
_declared: list[torch.library.Library] = []


def torchvision_net(name: str, **options: Any) -> nn.Module:
    """Return one of torchvision's networks by name, with random weights."""
    models = _models()
    build: Callable[..., nn.Module] = getattr(models, name)
    extra = {"init_weights": False} if name == "googlenet" else {}
    return build(**extra, **options)


def _models() -> Any:
    try:
        import torchvision.models
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in _OPERATORS:
            library.define(f"{name}(Tensor x) -> Tensor")
        _declared.append(library)  # what a library declared goes with it
        import torchvision.models
    return torchvision.models
