"""Our blocks, built to the sizes of a golden file and run on its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from lhm_avatars.engine.network.body_head import BodyHeadLayer
from lhm_avatars.engine.network.body_image import body_image
from lhm_avatars.engine.network.checkpoint import fill
from lhm_avatars.engine.network.config import LhmConfig, VitConfig
from lhm_avatars.engine.network.dinov2 import FusionHead, HeadEncoder
from lhm_avatars.engine.network.gaussian_head import INFERENCE_STEP, GaussianHead, largest_scale
from lhm_avatars.engine.network.global_embedding import GlobalEmbedding, Modulation
from lhm_avatars.engine.network.head_image import head_square
from lhm_avatars.engine.network.mmdit import ModulationHead, modulated_norm
from lhm_avatars.engine.network.point_embedding import PointEmbedding
from lhm_avatars.engine.network.resample import encoder_input
from lhm_avatars.engine.network.sapiens import sapiens_input
from lhm_avatars.engine.network.tokens import image_tokens
from lhm_avatars.engine.network.transformer import BodyHeadTransformer

from .golden_body import run_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from .golden import Answers, Golden

    Module = TypeVar("Module", bound=nn.Module)

_STEPS = {"step0": 0, "step1500": 1500, "inference": INFERENCE_STEP}


def built(golden: Golden, module: Module, prefix: str = "") -> Module:
    """A module with the file's weights; ``prefix`` is our name for it inside the network."""
    fill(module, golden.weight, prefix)
    return module


def embedding(golden: Golden) -> PointEmbedding:
    """The point embedding of any file that has one; its width and octaves are those of the weights."""
    width = len(golden.weight("pcl_embed.mlp.bias"))
    octaves = golden.weight("pcl_embed.basis").shape[1] // 3
    eps = golden.settings.get("ln_eps", 1e-5)
    return built(golden, PointEmbedding(width, octaves, eps), "point_embedding.")


def run_points(golden: Golden) -> Answers:
    """Point embedding."""
    module, points = embedding(golden), golden.given("points")
    features = module.features(points)
    return {
        "out.fourier": features[..., :-3],
        f"out.features{features.shape[-1]}": features,
        "out.embed": module(points),
    }


def run_block(golden: Golden) -> Answers:
    """One body-head layer, with a look into its head block."""
    settings = golden.settings
    last = settings["context_pre_only"]
    layer = BodyHeadLayer(
        settings["dim"], settings["heads"], settings["body_ctx"], last=last, eps=settings["eps"]
    )
    built(golden, layer)
    points, context = golden.given("hidden_states"), golden.given("encoder_hidden_states")
    modulation = Modulation(*golden.given("temb").chunk(2, dim=-1))
    out, out_context = layer(points, context, modulation)
    answers = {"out.hidden_states": out}
    if out_context is not None:
        answers["out.encoder_hidden_states"] = out_context
    head, own = layer.head, points[:, settings["body_points"] :]
    own_context = context[:, settings["body_ctx"] :]
    shift, scale, *_ = head.modulation(modulation.head)
    normed = modulated_norm(own, shift, scale, head.eps)
    context_normed = head.context_norm(own_context, modulation.head)[0]
    attended, context_attended = head.attention(normed, context_normed, with_context=True)
    own, own_context = head(own, own_context, modulation.head)
    inside = {
        "norm1": normed,
        "norm1_context": context_normed,
        "attn": attended,
        "attn_context": context_attended,
        "hidden_states": own,
        "encoder_hidden_states": own_context,
    }
    return answers | {f"out.head_dit.{name}": value for name, value in inside.items() if value is not None}


def run_transformer(golden: Golden) -> Answers:
    """From image tokens and query points to tokens of points."""
    settings = golden.settings
    config = LhmConfig(
        name="golden", layers=settings["layers"], points=settings["N"], image_size=0,
        width=settings["dim"], heads=settings["heads"], context_width=settings["cond_dim"],
        body_tokens=settings["body_ctx"],
    )  # fmt: skip
    transformer = built(
        golden, BodyHeadTransformer(config, settings["eps"], settings["final_norm_eps"]), "transformer."
    )
    body, head = golden.given("sapiens_tokens"), golden.given("dino_head_tokens")
    modulation = _global_embedding(golden)(body)
    points = embedding(golden)(golden.given("query_points"))
    answers = {"out.pcl_embed": points, "out.motion_embed": torch.cat(modulation, dim=-1)}
    context: Tensor | None = transformer.context_projection(image_tokens(body, head))
    split, hidden = config.body_tokens, points
    for index, layer in enumerate(transformer.layers):
        hidden, context = layer(hidden, context, modulation)
        answers[f"out.layer{index}.hidden_states"] = hidden
        if context is not None:
            answers[f"out.layer{index}.encoder_hidden_states_head"] = context[:, split:]
            answers[f"out.layer{index}.encoder_hidden_states_body_first64"] = context[:, :64]
    answers["out.tokens"] = transformer(points, image_tokens(body, head), modulation)
    return answers


def _global_embedding(golden: Golden) -> GlobalEmbedding:
    hidden, width = golden.weight("motion_embed_mlp.0.weight").shape
    out = len(golden.weight("motion_embed_mlp.2.bias")) // 2
    return built(golden, GlobalEmbedding(width, hidden, out), "global_embedding.")


def run_modulation(golden: Golden) -> Answers:
    """Global embedding, and the two norms that it modulates."""
    modulation = _global_embedding(golden)(golden.given("sapiens_tokens"))
    tokens, vector = golden.given("x"), getattr(modulation, golden.settings["temb_for_adaln"].split("_")[0])
    width = tokens.shape[-1]
    zero = _modulation_head(golden, "norm1", width, 6)(vector)
    shift, scale, gate, shift2, scale2, gate2 = zero
    last_scale, last_shift = _modulation_head(golden, "norm1_context", width, 2)(vector)
    return {
        "out.temb": torch.cat(modulation, dim=-1),
        "out.body_temb": modulation.body,
        "out.head_temb": modulation.head,
        "out.adaln_zero.x": modulated_norm(tokens, shift, scale),
        "out.adaln_zero.gate_msa": gate[:, 0],
        "out.adaln_zero.shift_mlp": shift2[:, 0],
        "out.adaln_zero.scale_mlp": scale2[:, 0],
        "out.adaln_zero.gate_mlp": gate2[:, 0],
        "out.adaln_continuous.x": modulated_norm(tokens, last_shift, last_scale),
    }


def _modulation_head(golden: Golden, key: str, width: int, parts: int) -> ModulationHead:
    head = ModulationHead(width, parts)
    state = {name: golden.weight(f"{key}.{name}") for name in head.state_dict()}
    head.load_state_dict(state)
    return head


def run_fusion(golden: Golden) -> Answers:
    """The fusion of several depths alone."""
    settings = golden.settings
    depths = sum(name.startswith("in.patch_tokens_") for name in golden.tensors)
    module = FusionHead(settings["in_channels"], settings["out_channel"], depths)
    built(golden, module, "fusion_head.")
    grid = (settings["patch_h"], settings["patch_w"])
    maps = [golden.given(f"patch_tokens_{i}").mT.unflatten(2, grid) for i in range(depths)]
    return {"out.feature_map": module(maps)}


def run_head_encoder(golden: Golden) -> Answers:
    """Head image to tokens."""
    settings = golden.settings
    config = VitConfig(
        width=settings["embed_dim"], depth=settings["depth"], heads=settings["heads"],
        patch=settings["patch"], registers=settings["registers"], trained_size=settings["img_size"],
        resolution=settings["resolution"], taps=tuple(settings["layers"]), eps=settings["ln_eps"],
    )  # fmt: skip
    encoder = built(golden, HeadEncoder(config, settings["out_dim"]), "head_encoder.")
    image = golden.given("image")
    square = encoder_input(image, config.resolution)
    # Before registers are put in between.
    tokens = encoder.model.embed(square)
    tokens = torch.cat([tokens[:, :1], tokens[:, 1 + config.registers :]], dim=1)
    answers = {
        "out.preprocessed": square,
        "out.tokens_with_pos": encoder.model.embed(square),
        "out.tokens": encoder(image),
    }
    for name, expected in golden.tensors.items():
        if name.startswith("out.pos_embed_"):
            answers[name] = encoder.model.positions(int(name.rsplit("_", 1)[1]))
        if name == "out.tokens_with_pos" and expected.shape[1] == tokens.shape[1]:
            answers[name] = tokens
    for index, each in enumerate(encoder.model.patch_tokens(square)):
        answers[f"out.layer_{index}_patch_tokens"] = each
    return answers


def run_decoder(golden: Golden) -> Answers:
    """Gaussian head, at inference and at steps of its training."""
    settings = golden.settings
    head = GaussianHead(
        settings["query_dim"], settings["n_neurons"], settings["n_hidden_layers"],
        farthest=settings["max_step"], upper_body_scale=settings["upper_body_max_scale"],
    )  # fmt: skip
    firsts = {
        f"init.out_layers.{theirs}.bias": head.outputs[ours].bias.clone()
        for ours, theirs in (
            ("scales", "scaling"), ("mean_offsets", "xyz"), ("opacities", "opacity"), ("quats", "rotation"),
        )
    }  # fmt: skip
    built(golden, head, "gaussian_head.")
    tokens, upper = golden.given("tokens"), golden.given("is_upper_body")
    schedule = tuple(settings["clip_scaling"])
    ceilings = {name: largest_scale(step, schedule) for name, step in _STEPS.items()}
    answers = {"out.mlp": head.trunk(tokens)}
    answers |= {f"clip_scaling.{name}": torch.tensor(ceiling) for name, ceiling in ceilings.items()}
    for name, ceiling in ceilings.items():
        answers[f"out.{name}.scaling"] = head(tokens, upper, ceiling).scales
    found = head(tokens, upper, ceilings["inference"])
    free = head(tokens, None, ceilings["inference"])
    return answers | firsts | {
        "out.inference.offset_xyz": found.mean_offsets,
        "out.inference.opacity": found.opacities[..., None],
        "out.inference.rotation": found.quats,
        "out.inference.shs": found.colors[..., None, :],
        "out.inference.scaling_unconstrained": free.scales,
    }  # fmt: skip


def run_encoder_input(golden: Golden) -> Answers:
    """What both image encoders do with a picture first."""
    side, answers = golden.settings["resolution"], {}
    for name, image in golden.tensors.items():
        if name.startswith("in."):
            case = name.removeprefix("in.")
            answers[f"out.dino_{case}"] = encoder_input(image, side)
            answers[f"out.sapiens_{case}"] = sapiens_input(image, side)
    return answers


def run_photo(golden: Golden) -> Answers:
    """The crops of body and head."""
    settings, answers = golden.settings, {}
    for name in golden.tensors:
        if name.startswith("in.") and name.endswith(".rgb_uint8"):
            case = name.split(".")[1]
            cut = body_image(
                golden.given(f"{case}.rgb_uint8").numpy(),
                golden.given(f"{case}.mask_uint8").numpy(),
                settings["render_tgt_size"],
                longer_side=settings["max_tgt_size"],
                multiple=settings["multiply"],
                aspect=settings["aspect"],
            )
            answers[f"out.{case}.rgb"] = torch.from_numpy(cut.rgb).permute(2, 0, 1)[None]
            answers[f"out.{case}.mask"] = torch.from_numpy(cut.mask)[None, None]
    for name in golden.tensors:
        if name.startswith("out.face_bbox_expanded_"):
            room = float(name.rsplit("_", 1)[1].replace("p", "."))
            squares = [head_square(box.tolist(), room) for box in golden.given("face_bbox")]
            answers[name] = torch.tensor(squares)
    return answers


RUNS: dict[str, Callable[[Golden], Answers]] = {
    "in.points weight.pcl_embed.": run_points,
    "in.encoder_hidden_states in.temb": run_block,
    "in.sapiens_tokens in.query_points": run_transformer,
    "in.sapiens_tokens weight.norm1.": run_modulation,
    "in.patch_tokens_0": run_fusion,
    "in.image weight.encoder.": run_head_encoder,
    "in.dense_pts in.smplx.": run_body,
    "in.tokens weight.renderer.gs_net.": run_decoder,
    "in. out.dino_ out.sapiens_": run_encoder_input,
    "in. out.face_bbox_expanded_": run_photo,
}
"""Beginnings of names that a file must have, and who answers it; the first that fits counts."""
