"""Lay renders over the plate, in the compositor of Blender 4.5 and in that of 5.0 and later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..capabilities import composites_by_group

if TYPE_CHECKING:
    from .plate_file import Plate

NAME = "LHM Plate"
_OURS = "lhm_plate"
_UNTOUCHED = {
    *("CompositorNodeRLayers", "CompositorNodeViewer", "NodeReroute"),
    *("CompositorNodeComposite", "NodeGroupOutput"),
}
"""What Blender puts there by itself."""


def may_composite(scene: bpy.types.Scene) -> bool:
    """Whether the scene's compositor holds nothing of the user's.

    Args:
        scene: Any.
    """
    tree = _tree(scene)
    return tree is None or bool(tree.get(_OURS)) or {node.bl_idname for node in tree.nodes} <= _UNTOUCHED


def composite(scene: bpy.types.Scene, plate: Plate) -> None:
    """Plate, scaled to the render's size, below the render; replaces the scene's compositing.

    Args:
        scene: Ask `may_composite` first.
        plate: The picture.
    """
    tree = _empty_tree(scene)
    nodes = tree.nodes
    source = nodes.new("CompositorNodeImage" if plate.image is not None else "CompositorNodeMovieClip")
    if plate.image is not None:
        source.image = plate.image  # type: ignore[attr-defined]
    else:
        source.clip = plate.clip  # type: ignore[attr-defined]
    scale, over = nodes.new("CompositorNodeScale"), nodes.new("CompositorNodeAlphaOver")
    layers = nodes.new("CompositorNodeRLayers")
    layers.scene = scene  # type: ignore[attr-defined]
    _fit_render(scale)
    below, above = [socket for socket in over.inputs if socket.type == "RGBA"]
    tree.links.new(source.outputs["Image"], scale.inputs["Image"])
    tree.links.new(scale.outputs["Image"], below)
    tree.links.new(layers.outputs["Image"], above)
    tree.links.new(over.outputs["Image"], _output(tree))
    for column, node in enumerate((source, scale, over)):
        node.location = (column * 250.0, 0.0)
    layers.location = (250.0, -250.0)
    tree[_OURS] = True
    scene.render.use_compositing = True


def _tree(scene: bpy.types.Scene) -> Any:
    if composites_by_group():
        return scene.compositing_node_group
    return scene.node_tree  # type: ignore[attr-defined]


def _empty_tree(scene: Any) -> Any:
    if composites_by_group():
        tree = scene.compositing_node_group
        if tree is None or not tree.get(_OURS) or tree.users > 1:  # a copy of the scene has it, too
            tree = bpy.data.node_groups.new(NAME, "CompositorNodeTree")
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            scene.compositing_node_group = tree
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    tree.nodes.clear()
    return tree


def _output(tree: Any) -> bpy.types.NodeSocket:
    node = tree.nodes.new("NodeGroupOutput" if composites_by_group() else "CompositorNodeComposite")
    node.location = (750.0, 0.0)
    return node.inputs["Image"]


def _fit_render(scale: Any) -> None:
    if hasattr(scale, "space"):
        scale.space = "RENDER_SIZE"
    else:  # Blender 5.0 made a socket of it
        scale.inputs["Type"].default_value = "Render Size"
