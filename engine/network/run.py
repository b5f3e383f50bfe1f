"""One reconstruction: each part of the network is loaded when its turn comes and leaves when it is done."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import torch

from .checkpoint import fill, require_model
from .cpu_attention import attention_for
from .gaussian_head import GaussianAttributes
from .model import blueprint
from .neutral_pose import neutral_pose
from .plan import release, with_less_memory
from .tokens import image_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from .body_data import BodyData
    from .checkpoint import Checkpoint
    from .config import LhmConfig
    from .global_embedding import Modulation
    from .neutral_pose import NeutralPose
    from .plan import Plan
    from .sapiens import SapiensEncoder

    Report = Callable[[str, float], None]
    Result = TypeVar("Result")


@dataclass(frozen=True)
class Stage:
    """What a part of a run cost.

    Args:
        name: sapiens, head, transformer or gaussians.
        seconds: Wall time, with loading.
        loading: Of it, seconds until the weights were where they are needed.
        peak_bytes: Most memory of the GPU during it; 0 on others.
    """

    name: str
    seconds: float
    loading: float
    peak_bytes: int


@dataclass(frozen=True)
class Answer:
    """What the network says about a person, on the CPU in float32.

    Args:
        attributes: Neutral pose. [N, …]
        notes: What was done because memory was short.
        stages: What it cost.
    """

    attributes: GaussianAttributes
    notes: tuple[str, ...]
    stages: tuple[Stage, ...]


class Network:
    """A model and how to run it.

    Args:
        checkpoint: Released weights.
        config: Of the model they are meant for.
        surface_points: The released sampling. [N, 3]
        sapiens: Loads the encoder of the body image to where the plan says.
        plan: How to run.

    Raises:
        AvatarError: If the checkpoint holds another model.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: LhmConfig,
        surface_points: NDArray[np.float32],
        sapiens: Callable[[Plan], SapiensEncoder],
        plan: Plan,
    ) -> None:
        require_model(checkpoint, config)
        self.checkpoint, self.config, self.plan = checkpoint, config, plan
        self._sapiens_loader = sapiens
        self._sapiens: SapiensEncoder | None = None
        self.surface_points = surface_points
        self._model = blueprint(config)
        self._stages: list[Stage] = []
        self._loading = 0.0

    @cached_property
    def body(self) -> BodyData:
        """The checkpoint's body, on the CPU."""
        fill(self._model.body, self.checkpoint.read, "body.")
        return self._model.body

    @cached_property
    def neutral(self) -> NeutralPose:
        """Query points and the way back to the zero pose: the same for every photo."""
        return neutral_pose(self.body, torch.from_numpy(self.surface_points))

    def __call__(self, body_image: Tensor, head_image: Tensor, report: Report = lambda *_: None) -> Answer:
        """Reconstruct one person.

        Args:
            body_image: RGB, 0..1, white background. [1, 3, height, width]
            head_image: RGB, 0..1. [1, 3, side, side]
            report: Told each stage's name and the fraction of it that is done; may raise to cancel.

        Raises:
            AvatarError: If memory is too short whatever is done.
        """
        self._stages.clear()
        notes: list[str] = []

        def saving(job: Callable[[Plan], Result]) -> Result:
            answer, self.plan, told = with_less_memory(self.plan, job, self.config.name)
            notes.extend(told)
            return answer

        with torch.inference_mode(), attention_for(self.plan):
            body_tokens = saving(lambda plan: self._body_tokens(body_image, plan, report))
            head_tokens = saving(lambda plan: self._head_tokens(head_image, plan, report))
            tokens = saving(lambda plan: self._point_tokens(body_tokens, head_tokens, plan, report))
            attributes = saving(lambda plan: self._gaussians(tokens, plan, report))
        return Answer(attributes, tuple(dict.fromkeys(notes)), tuple(self._stages))

    def _body_tokens(self, image: Tensor, plan: Plan, report: Report) -> Tensor:
        with self._stage("sapiens", plan, report):
            began = time.perf_counter()
            encoder = self._sapiens or self._sapiens_loader(plan)
            self._loading += time.perf_counter() - began
            self._sapiens = encoder if plan.resident else None
            return encoder(image)

    def _head_tokens(self, image: Tensor, plan: Plan, report: Report) -> Tensor:
        with self._stage("head", plan, report), self._loaded("head_encoder", plan) as encoder:
            return encoder(image.to(plan.device))

    def _point_tokens(self, body: Tensor, head: Tensor, plan: Plan, report: Report) -> Tensor:
        model, exact = self._model, torch.float32
        with (
            self._stage("transformer", plan, report),
            self._loaded("point_embedding", plan, exact) as embedding,
            self._loaded("global_embedding", plan, exact) as embed_picture,
            self._loaded("transformer.context_projection", plan),
            self._loaded("transformer.norm", plan, exact),
        ):
            modulation: Modulation = embed_picture(body)
            points = embedding(self.neutral.query_points.to(plan.device))
            context = image_tokens(body, head)
            layers = self._layers(plan, report)
            return model.transformer(points, context, modulation, plan.rows, layers)

    def _layers(self, plan: Plan, report: Report) -> Iterator[nn.Module]:
        """The layers, one by one, or all loaded before the first is used."""
        names = [f"transformer.layers.{index}" for index in range(self.config.layers)]
        if not plan.stream_layers:
            for name in names:
                self._load(name, plan, plan.dtype)
        for index, name in enumerate(names):
            report("transformer", index / len(names))
            with self._loaded(name, plan) as layer:
                yield layer

    def _gaussians(self, tokens: Tensor, plan: Plan, report: Report) -> GaussianAttributes:
        exact = torch.float32
        with self._stage("gaussians", plan, report), self._loaded("gaussian_head", plan, exact) as head:
            found = head(tokens[0].to(exact), self.body.is_upper_body.to(plan.device))
            return GaussianAttributes(*(values.cpu() for values in found))

    @contextmanager
    def _loaded(self, name: str, plan: Plan, dtype: torch.dtype | None = None) -> Iterator[nn.Module]:
        """A part with its weights; afterwards it is empty again, unless it shall stay."""
        module = self._load(name, plan, dtype or plan.dtype)
        try:
            yield module
        finally:
            if not plan.resident:
                module.to("meta")

    def _load(self, name: str, plan: Plan, dtype: torch.dtype) -> nn.Module:
        module = self._model.get_submodule(name)
        if next(module.parameters()).is_meta:
            began = time.perf_counter()
            fill(module, self.checkpoint.read, f"{name}.", plan.device, dtype)
            self._loading += time.perf_counter() - began
        return module

    def _empty(self) -> None:
        """Let go of whatever an earlier plan or a failed attempt has left on the device."""
        self._sapiens = None
        for name, part in self._model.named_children():
            if name != "body":
                part.to("meta")

    @contextmanager
    def _stage(self, name: str, plan: Plan, report: Report) -> Iterator[None]:
        """Measure a stage and leave the device tidy."""
        report(name, 0.0)
        if not plan.resident:
            self._empty()
        on_gpu = plan.device.type == "cuda"
        if on_gpu:
            torch.cuda.reset_peak_memory_stats(plan.device)
        self._loading, began = 0.0, time.perf_counter()
        try:
            yield
            if on_gpu:
                torch.cuda.synchronize(plan.device)
            peak = torch.cuda.max_memory_allocated(plan.device) if on_gpu else 0
            self._stages.append(Stage(name, time.perf_counter() - began, self._loading, peak))
        finally:
            if not plan.resident:
                release(plan.device)
        report(name, 1.0)
