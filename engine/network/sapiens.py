"""The body image: Sapiens-1B, a TorchScript file that we only call.

Source: Khirodkar et al. 2024, Sapiens: Foundation for Human Vision Models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..avatar.errors import AvatarError
from .resample import encoder_input

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

_MEAN = (0.4844, 0.4570, 0.4062)  # of RGB, 0..1
_DEVIATION = (0.2295, 0.2236, 0.2256)
_LOW_PRECISION = (torch.bfloat16, torch.float16)


def sapiens_input(image: Tensor, side: int) -> Tensor:
    """The body image as Sapiens gets it.

    Args:
        image: RGB, 0..1, white background. [B, 3, height, width]
        side: Pixels along its square.

    Returns:
        [B, 3, side, side]
    """
    mean, deviation = (image.new_tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
    return (encoder_input(image, side) - mean) / deviation


class SapiensEncoder:
    """Body image to tokens.

    Args:
        module: The loaded TorchScript module.
        resolution: Pixels along its square image.
        device: Where it runs.
        dtype: What its weights are in.
    """

    def __init__(
        self, module: torch.nn.Module, resolution: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.module, self.resolution, self.device, self.dtype = module, resolution, device, dtype

    def __call__(self, image: Tensor) -> Tensor:
        """Tokens of the body, row by row, float32.

        Args:
            image: RGB, 0..1, white background. [B, 3, height, width]

        Returns:
            [B, patches, C]

        Raises:
            AvatarError: If the file answers with something else than one feature map.
        """
        square = sapiens_input(image.to(self.device), self.resolution)
        # autocast, although the weights are converted: constants in the script stay float32.
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype in _LOW_PRECISION):
            answer = self.module(square)
        features = answer[0] if isinstance(answer, tuple | list) and len(answer) == 1 else answer
        if not isinstance(features, torch.Tensor) or features.ndim != 4:
            raise AvatarError(
                "The Sapiens file is another network than LHM's. Choose the 1B TorchScript file."
            )
        return features.flatten(2).mT.float()


def load_sapiens(path: Path, resolution: int, device: torch.device, dtype: torch.dtype) -> SapiensEncoder:
    """Read the TorchScript file.

    Args:
        path: The file.
        resolution: Pixels along its square image.
        device: Where it shall run.
        dtype: Of its weights; converted before they go to the device.

    Raises:
        AvatarError: If the file is missing or no TorchScript file.
    """
    if not path.is_file():
        raise AvatarError(f"The Sapiens file {path.name} is missing. Download it again in the Setup panel.")
    try:
        module = torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError) as error:
        raise AvatarError(
            f"{path.name} is no TorchScript file, or it is damaged. Download it again in the Setup panel."
        ) from error
    return SapiensEncoder(module.eval().to(dtype).to(device), resolution, device, dtype)
