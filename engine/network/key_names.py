"""Official names of the weights beside ours. Nothing else in the package knows them."""

from __future__ import annotations

import re

_SEGMENTS = (  # ours, official; whole dotted parts
    # Of the whole network.
    ("head_encoder", "encoder"),
    ("point_embedding.linear", "pcl_embed.mlp"),
    ("point_embedding", "pcl_embed"),
    ("global_embedding.hidden", "motion_embed_mlp.0"),
    ("global_embedding.out", "motion_embed_mlp.2"),
    ("transformer.context_projection", "transformer.linear_cond_proj"),
    # Of a body-head layer.
    ("head.modulation", "head_dit.norm1"),
    ("body.modulation", "body_dit.norm1"),
    ("head.context_modulation", "head_dit.norm1_context"),
    ("body.context_modulation", "body_dit.norm1_context"),
    ("head.attention", "head_dit.attn"),
    ("body.attention", "body_dit.attn"),
    ("head.feed_forward", "head_dit.ff"),
    ("body.feed_forward", "body_dit.ff"),
    ("head.context_feed_forward", "head_dit.ff_context"),
    ("body.context_feed_forward", "body_dit.ff_context"),
    ("query", "to_q"),
    ("key", "to_k"),
    ("value", "to_v"),
    ("out", "to_out.0"),
    ("context_query", "add_q_proj"),
    ("context_key", "add_k_proj"),
    ("context_value", "add_v_proj"),
    ("context_out", "to_add_out"),
    ("query_norm", "norm_q"),
    ("key_norm", "norm_k"),
    ("context_query_norm", "norm_added_q"),
    ("context_key_norm", "norm_added_k"),
    ("up", "net.0.proj"),
    ("down", "net.2"),
    # Of the Gaussian head.
    ("gaussian_head.trunk", "renderer.mlp_net.layers"),
    ("gaussian_head.outputs.colors", "renderer.gs_net.out_layers.shs"),
    ("gaussian_head.outputs.scales", "renderer.gs_net.out_layers.scaling"),
    ("gaussian_head.outputs.mean_offsets", "renderer.gs_net.out_layers.xyz"),
    ("gaussian_head.outputs.opacities", "renderer.gs_net.out_layers.opacity"),
    ("gaussian_head.outputs.quats", "renderer.gs_net.out_layers.rotation"),
    # Of the body.
    ("body.joint_weights", "renderer.smplx_model.skinning_weight"),
    ("body.shape_dirs", "renderer.smplx_model.shape_dirs"),
    ("body.expression_dirs", "renderer.smplx_model.expr_dirs"),
    ("body.is_upper_body", "renderer.smplx_model.is_upper_body"),
    ("body.keeps_turn", "renderer.smplx_model.is_constrain_body"),
    ("body.template", "renderer.smplx_model.smplx_layer.v_template"),
    ("body.vertex_shape_dirs", "renderer.smplx_model.smplx_layer.shapedirs"),
    ("body.joint_regressor", "renderer.smplx_model.smplx_layer.J_regressor"),
    ("body.parents", "renderer.smplx_model.smplx_layer.parents"),
)

_OFFICIAL = dict(_SEGMENTS)
_LONGEST_FIRST = sorted(_OFFICIAL, key=len, reverse=True)
_PATTERN = re.compile(rf"(?<![^.])({'|'.join(map(re.escape, _LONGEST_FIRST))})(?![^.])")


def official_key(key: str) -> str:
    """The name of a weight in the released files.

    Args:
        key: Ours, of the whole network or of one of its blocks.
    """
    return _PATTERN.sub(lambda match: _OFFICIAL[match[0]], key)
