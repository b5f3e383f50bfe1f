"""A small builder for node trees, the same on Blender 4.5, 5.0 and 5.2.

Socket names and order of hidden sockets differ between versions, so inputs are filled in the order in which
they can be seen, and never by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Value = bpy.types.Node | bpy.types.NodeSocket | float | str | Sequence[float] | bpy.types.ID | None

_GROUP_KEY = "lhm_group"
_VERSION_KEY = "lhm_version"
_ITEM = "Item_"  # begins the identifiers of a menu switch's items
_COLUMN_WIDTH, _ROW_HEIGHT = 200.0, 150.0


def available(sockets: Iterable[bpy.types.NodeSocket]) -> list[bpy.types.NodeSocket]:
    """The sockets that a node shows in its present mode."""
    return [socket for socket in sockets if socket.enabled and not socket.is_unavailable]


class Nodes:
    """Adds nodes to one tree, left to right: a node's inputs exist before the node does.

    Args:
        tree: An empty node tree.
    """

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree
        self._input: bpy.types.Node | None = None

    def add(self, idname: str, *values: Value, **properties: Any) -> bpy.types.Node:
        """Add a node.

        Args:
            idname: Type, as in ``GeometryNodeSetPosition``.
            values: One for each shown input, in order: a socket, a node (its first shown output), a constant,
                or None to leave the input alone.
            properties: Set first, for they decide which sockets are shown.

        Raises:
            ValueError: If there are more values than shown inputs.
        """
        node = self.tree.nodes.new(idname)
        for name, value in properties.items():
            setattr(node, name, value)
        inputs = available(node.inputs)
        if len(values) > len(inputs):
            raise ValueError(f"{idname} shows {len(inputs)} inputs, got {len(values)} values")
        for socket, value in zip(inputs, values, strict=False):
            self._connect(value, socket)
        return node

    def input(self, name: str, socket_type: str) -> bpy.types.NodeSocket:
        """Add an input to the group and give the socket that carries it."""
        self.tree.interface.new_socket(name, in_out="INPUT", socket_type=socket_type)
        if self._input is None:
            self._input = self.tree.nodes.new("NodeGroupInput")
        return self._input.outputs[name]

    def output(self, name: str, socket_type: str, value: Value) -> None:
        """Add the group's output and connect it."""
        self.tree.interface.new_socket(name, in_out="OUTPUT", socket_type=socket_type)
        self._connect(value, self.tree.nodes.new("NodeGroupOutput").inputs[name])

    def vector(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        """Vector Math; its vector result, or its number where the operation gives one."""
        return available(self.add("ShaderNodeVectorMath", *values, operation=operation).outputs)[0]

    def math(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        """Math on numbers."""
        return self.add("ShaderNodeMath", *values, operation=operation).outputs[0]

    def spread(self, number: Value) -> bpy.types.NodeSocket:
        """A vector of one number three times; a link would convert it again for each node it goes to."""
        return self.add("ShaderNodeCombineXYZ", number, number, number).outputs[0]

    def attribute(self, name: str, data_type: str) -> bpy.types.NodeSocket:
        """Read a named attribute."""
        return available(self.add("GeometryNodeInputNamedAttribute", name, data_type=data_type).outputs)[0]

    def store(self, geometry: Value, name: str, data_type: str, value: Value) -> bpy.types.NodeSocket:
        """Write a named attribute on the points of a geometry; gives the geometry."""
        node = self.add(
            "GeometryNodeStoreNamedAttribute",
            geometry, None, name, value,
            data_type=data_type, domain="POINT",
        )  # fmt: skip
        return node.outputs[0]

    def menu(self, kind: str, mode: Value, items: Mapping[str, Value]) -> bpy.types.NodeSocket:
        """What the item of a menu stands for; only that is worked out.

        Args:
            kind: Type of the values, as in ``GEOMETRY``.
            mode: The menu.
            items: Values by the names in the menu.
        """
        node: Any = self.tree.nodes.new("GeometryNodeMenuSwitch")
        node.data_type = kind
        node.enum_items.clear()
        for name in items:
            node.enum_items.new(name)
        for socket, value in zip(available(node.inputs), (mode, *items.values()), strict=False):
            self._connect(value, socket)
        return node.outputs[0]

    def arrange(self) -> None:
        """Lay the nodes out in columns by their distance from the inputs, for whoever opens the group."""
        depth: dict[str, int] = {}
        rows: dict[int, int] = {}
        for node in self.tree.nodes:  # order of creation: sources come first
            sources = [link.from_node.name for socket in node.inputs for link in socket.links]
            column = depth[node.name] = 1 + max((depth[source] for source in sources), default=-1)
            row = rows[column] = rows.get(column, -1) + 1
            node.location = (column * _COLUMN_WIDTH, -row * _ROW_HEIGHT)
            node.hide = True  # collapsed; the graph is large and regular

    def _connect(self, value: Value, socket: bpy.types.NodeSocket) -> None:
        if isinstance(value, bpy.types.Node):
            value = available(value.outputs)[0]
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif value is not None:
            socket.default_value = value


def generated_group(name: str, version: int, build: Callable[[Nodes], None]) -> bpy.types.NodeTree:
    """A Geometry Nodes group made by code: the file's own one where it is up to date, else a new one.

    An older version keeps serving the avatars that use it, under a name that says so.

    Args:
        name: Name of the group.
        version: Raise it whenever `build` changes.
        build: Fills an empty tree.
    """
    for tree in bpy.data.node_groups:
        if tree.library is not None or tree.get(_GROUP_KEY) != name:
            continue
        if tree[_VERSION_KEY] == version:
            return tree
        tree.name = f"{name} (version {tree[_VERSION_KEY]})"
    tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
    nodes = Nodes(tree)
    build(nodes)
    nodes.arrange()
    tree.is_modifier = True
    tree[_GROUP_KEY], tree[_VERSION_KEY] = name, version  # last: a half-built group is never found again
    return tree


def is_generated(tree: bpy.types.NodeTree, name: str) -> bool:
    """Whether a group was made by `generated_group`, by this version of ours or another.

    Args:
        tree: Any group.
        name: As it was given there.
    """
    return tree.get(_GROUP_KEY) == name


def add_modifier(
    target: bpy.types.Object, name: str, tree: bpy.types.NodeTree, **inputs: object
) -> bpy.types.Modifier:
    """Add a Geometry Nodes modifier.

    Args:
        target: Gets the modifier.
        name: Of the modifier.
        tree: The group it runs.
        inputs: Values by the name of the group's input.

    Raises:
        ValueError: If the group has no input of such a name.
    """
    modifier = target.modifiers.new(name, "NODES")
    modifier.node_group = tree
    for key, value in inputs.items():
        set_modifier_input(modifier, key, value)
    return modifier


def input_names(tree: bpy.types.NodeTree) -> dict[str, str]:
    """Identifiers of a group's inputs by their names."""
    return {
        item.name: item.identifier
        for item in tree.interface.items_tree
        if item.item_type == "SOCKET" and item.in_out == "INPUT"
    }


def modifier_input(modifier: Any, name: str) -> Any:
    """What an input of a Geometry Nodes modifier is set to; of a menu, the item's name.

    Args:
        modifier: Runs a group.
        name: Of the group's input.
    """
    identifier = input_names(modifier.node_group)[name]
    if hasattr(modifier, "properties"):  # Blender 5.2
        return getattr(modifier.properties.inputs, identifier).value
    value, numbers = modifier[identifier], _menu_numbers(modifier.node_group, identifier)
    return next((item for item, number in numbers.items() if number == value), value)


def set_modifier_input(modifier: Any, name: str, value: object) -> None:
    """Set an input of a Geometry Nodes modifier.

    Args:
        modifier: Runs a group.
        name: Of the group's input.
        value: Of the input's type; of a menu, the item's name.

    Raises:
        ValueError: If the group has no input of that name, or its menu no such item.
    """
    tree = modifier.node_group
    identifiers = input_names(tree)
    if name not in identifiers:
        raise ValueError(f"group {tree.name!r} has inputs {sorted(identifiers)}, not {name!r}")
    numbers = _menu_numbers(tree, identifiers[name])
    if numbers and value not in numbers:
        raise ValueError(f"{name} must be one of {sorted(numbers)}, got {value!r}")
    if hasattr(modifier, "properties"):  # Blender 5.2 moved the inputs into properties of their own
        getattr(modifier.properties.inputs, identifiers[name]).value = value
    else:
        modifier[identifiers[name]] = numbers.get(value, value)  # type: ignore[call-overload]


def _menu_numbers(tree: Any, identifier: str) -> dict[str, int]:
    """Numbers of a menu's items, which modifiers keep before Blender 5.2; empty for other inputs.

    They are part of the sockets' identifiers. Our groups have one menu switch, and all menus lead to it.
    """
    kinds = {
        item.identifier: item.socket_type for item in tree.interface.items_tree if item.item_type == "SOCKET"
    }
    if kinds[identifier] != "NodeSocketMenu":
        return {}
    switch = next(node for node in tree.nodes if node.bl_idname == "GeometryNodeMenuSwitch")
    sockets = (socket for socket in switch.inputs if socket.identifier.startswith(_ITEM))
    return {socket.name: int(socket.identifier.removeprefix(_ITEM)) for socket in sockets}
