"""LPIPS, where the user has the package and the weights of its backbone; nothing is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_FEATURES = "features."  # what torchvision calls the layers that the distance is taken between


def load_lpips(network: str, backbone: Path) -> Callable[[NDArray[np.float32], NDArray[np.float32]], float]:
    """A function that measures two pictures, [H, W, 3], display space, 0..1.

    Args:
        network: ``squeeze`` or ``vgg``.
        backbone: torchvision's weights of that network, a state dictionary (squeezenet1_1 or vgg16).

    Raises:
        AvatarError: If the package or the file is missing, or the file is another network's.

    Source: Zhang et al. 2018.
    """
    try:
        import lpips  # pyright: ignore[reportMissingImports] - brought by the user
        import torch
    except ImportError as error:
        raise AvatarError("LPIPS needs the packages torch, torchvision and lpips. Install them.") from error
    if not backbone.is_file():
        raise AvatarError(f"There is no file {backbone}. Give torchvision's weights of {network}.")
    model = lpips.LPIPS(net=network, pnet_rand=True, verbose=False).eval()
    model.requires_grad_(False)
    given = torch.load(backbone, map_location="cpu", weights_only=True)
    # lpips cuts the layers into slices, and keeps their numbers: slice2.5.weight is features.5.weight.
    names = {name: _FEATURES + name.split(".", 1)[1] for name in model.net.state_dict()}
    wrong = [
        theirs
        for ours, theirs in names.items()
        if theirs not in given or given[theirs].shape != model.net.state_dict()[ours].shape
    ]
    if wrong:
        raise AvatarError(
            f"{backbone.name} does not hold the weights of {network} (no {wrong[0]}). "
            "Give torchvision's own file."
        )
    model.net.load_state_dict({ours: given[theirs] for ours, theirs in names.items()})

    def distance(truth: NDArray[np.float32], made: NDArray[np.float32]) -> float:
        tensors = [torch.from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1)))[None] for p in (truth, made)]
        with torch.no_grad():
            return float(model(*tensors, normalize=True))  # 0..1 to -1..1

    return distance
