"""LHM from a prepared photo to the avatar; read this first.

files, licences, memory → person (pose, shape) → crops → network → Gaussians at rest → ground
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from ..lift.observation import observation
from ..lift.outcome import camera_metadata, grounded
from ..made import Made
from ..network.checkpoint import open_checkpoint
from ..network.dense_points import read_points
from ..network.device import device_name
from ..network.from_tokens import network_avatar, rest_joints, shape_space
from ..network.run import Network
from ..network.sapiens import load_sapiens
from .extras import extras
from .memory import fitting_plan
from .models import find_model
from .person import betas_for, fit_person, params_for
from .photo import network_photo
from .progress import stage_table
from .shape import ShapedBody

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ..avatar.avatar import Avatar
    from ..network.run import Answer
    from ..prepare.person import PreparedPhoto
    from ..request import ReconstructRequest
    from ..stages import Stages
    from .models import LhmModel
    from .photo import NetworkPhoto

PACKAGES = ("torch", "safetensors")
"""What shapes the result besides the packages that prepare the photo."""


@dataclass(frozen=True)
class Runner:
    """A model that may be used, and how it will run.

    Args:
        request: What to make.
        model: Its files.
        network: Opened, nothing of it read yet.
        saved: What was given up beforehand for want of memory.
    """

    request: ReconstructRequest
    model: LhmModel
    network: Network
    saved: tuple[str, ...]

    @property
    def stages(self) -> dict[str, tuple[float, str]]:
        """For the progress bar."""
        return stage_table(self.model, self.network.plan)

    def make(self, prepared: PreparedPhoto, stages: Stages) -> Made:
        """Make the avatar.

        Args:
            prepared: The photo.
            stages: Told the progress.

        Raises:
            AvatarError: If the photo cannot be used, a file is damaged, or memory ends.
        """
        request, network = self.request, self.network
        stages.at("fit", 0.0)
        seen = observation(prepared)
        person = fit_person(seen, lambda done: stages.at("fit", done))
        body = _measurable(network)
        betas, shape_source = betas_for(request.shape, person, body)
        params = params_for(person, betas, body)
        stages.at("crop", 0.0)
        photo = self._crops(prepared)
        answer = network(_tensor(photo.body), _tensor(photo.head), stages.at)
        stages.at("bind", 0.0)
        avatar = network_avatar(
            answer.attributes, network.body, network.neutral, params, influences=request.influences,
            binding=request.chosen_binding,
        )  # fmt: skip
        up = person.fit.up if person.fit else (0.0, 1.0, 0.0)
        means = avatar.posed(avatar.params).means
        params, moved = grounded(avatar.params, avatar.joints[0], means, up)
        camera = {"camera": camera_metadata(person.fit.camera, moved)} if person.fit else {}
        report = self._report(avatar, answer, photo, prepared) | {
            "shape": {"source": shape_source, "betas": [round(float(beta), 4) for beta in betas]}
        }
        return Made(
            avatar=replace(avatar, params=params, metadata=camera),
            measures=person.measures | {"gaussians": float(avatar.gaussians.count)},
            licences=self.model.licences,
            packages=PACKAGES,
            warnings=(*person.warnings, *photo.warnings, *_told([*self.saved, *answer.notes])),
            report=report,
        )

    def _crops(self, prepared: PreparedPhoto) -> NetworkPhoto:
        """Body and head as the network wants them; what is loaded for it is gone afterwards."""
        request, config = self.request, self.model.config
        device = self.network.plan.device.type
        extra = extras(request.models, request.preparation, enlarge=request.enlarge, device=device)
        return network_photo(
            prepared,
            config.image_size,
            config.vit.resolution,
            mode=request.preparation,
            head_box=request.head_box,
            detector=extra.detector,
            enlarger=extra.enlarger,
            notes=extra.notes,
        )

    def _report(
        self, avatar: Avatar, answer: Answer, photo: NetworkPhoto, prepared: PreparedPhoto
    ) -> dict[str, Any]:
        """What the report and the avatar's metadata say about the model and its run."""
        plan = self.network.plan
        stages = [asdict(stage) for stage in answer.stages]
        return {
            "model": self.model.config.name,
            "weights_sha256": self.model.sha256,
            # Of a model of one's own nobody knows; one that was converted is LHM's.
            "non_commercial": True,
            "binding_error_mm": avatar.metadata["binding_error_mm"],
            "network": {
                "device": device_name(plan.device),
                "dtype": str(plan.dtype).removeprefix("torch."),
                "stages": stages,
                "peak_device_bytes": max(stage["peak_bytes"] for stage in stages),
                "notes": [*self.saved, *answer.notes],
            },
            "preparation": prepared.report | {"network": photo.report},
        }


def ready(request: ReconstructRequest) -> Runner:
    """Look whether a model can run, before anything is computed.

    Args:
        request: What to make.

    Raises:
        AvatarError: If a licence, a file or memory is missing, or a file is another than it should be.
    """
    model = find_model(request.engine, request.models, request.model_folder)
    plan, saved = fitting_plan(model, request.device)
    network = Network(
        open_checkpoint(model.weights),
        model.config,
        read_points(model.points, model.config.points),
        lambda plan: load_sapiens(model.sapiens, model.config.sapiens_resolution, plan.device, plan.dtype),
        plan,
    )
    return Runner(request, model, network, saved)


def _measurable(network: Network) -> ShapedBody:
    """The model's body as the measures need it; its points are spread evenly over the surface."""
    space = shape_space(network.body)
    points = network.surface_points
    return ShapedBody(
        joints=rest_joints(network.body),
        joint_dirs=space.joint_dirs.astype("float64"),
        points=points.astype("float64"),
        point_dirs=space.mean_dirs.astype("float64"),
        areas=torch.ones(len(points)).numpy(),
        owners=network.body.joint_weights.argmax(dim=1).numpy(),
    )


def _tensor(image: NDArray[np.float32]) -> Tensor:
    """[H, W, 3] to [1, 3, H, W]."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].contiguous()


def _told(notes: list[str]) -> list[str]:
    """What was done for want of memory, as a sentence for the artist."""
    if not notes:
        return []
    done = "; ".join(dict.fromkeys(notes))
    return [f"Memory was short: {done}. It took longer, the avatar is the same."]
