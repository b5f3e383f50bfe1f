"""A layout that draws nothing: it notes what a panel asks for, and fails where Blender would."""

from __future__ import annotations

from typing import Any

import bpy


class Button:
    """What `Layout.operator` returns: takes only properties that the operator has, of a fitting kind."""

    def __init__(self, operator: str) -> None:
        group, name = operator.split(".")
        rna = getattr(getattr(bpy.ops, group), name).get_rna_type()
        self.__dict__.update(operator=operator, rna=rna.properties, values={})

    def __setattr__(self, name: str, value: object) -> None:
        kind = self.rna[name].type
        several = kind == "ENUM" and self.rna[name].is_enum_flag
        wanted = {"STRING": str, "ENUM": set if several else str, "INT": int, "BOOLEAN": bool}[kind]
        assert type(value) is wanted, (name, value)
        if kind == "ENUM":
            for item in value if several else (value,):
                assert item in self.rna[name].enum_items, (name, item)
        self.values[name] = value


class Layout:
    """Stands in for bpy.types.UILayout; rows, columns and boxes note into the same lists."""

    _CONTAINERS = ("row", "column", "box", "split")
    _ICONS = frozenset(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())

    def __init__(self) -> None:
        self.words: list[str] = []
        self.buttons: list[Button] = []
        self.properties: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in self._CONTAINERS:
            return lambda **_: self
        raise AttributeError(name)

    def panel(self, name: str, *, default_closed: bool = False) -> tuple[Layout, Layout | None]:
        return self, None if default_closed else self

    def operator_menu_enum(self, operator: str, name: str, *, text: str = "", icon: str = "NONE") -> None:
        group, short = operator.split(".")
        rna = getattr(getattr(bpy.ops, group), short).get_rna_type()
        assert rna.properties[name].enum_items.keys(), (operator, name)
        assert icon in self._ICONS, icon
        self.words.append(text or rna.name)

    def label(self, *, text: str, icon: str = "NONE", icon_value: int = 0) -> None:
        assert icon == "NONE" or not icon_value
        assert icon in self._ICONS, icon
        self.words.append(text)

    def prop(
        self,
        data: Any,
        name: str,
        *,
        text: str | None = None,
        icon: str = "NONE",
        index: int = -1,
        slider: bool = False,
        expand: bool = False,
    ) -> None:
        if name.startswith('["'):  # a custom property
            assert name[2:-2] in data, name
            self.properties.append(name)
            return
        assert name in data.bl_rna.properties, name
        assert index < 0 or index < data.bl_rna.properties[name].array_length, (name, index)
        assert icon in self._ICONS, icon
        self.properties.append(name)

    def operator(self, name: str, *, text: str | None = None, icon: str = "NONE") -> Button:
        assert icon in self._ICONS, icon
        self.buttons.append(Button(name))
        return self.buttons[-1]

    def progress(self, *, factor: float, text: str) -> None:
        assert 0 <= factor <= 1
        self.words.append(text)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def pressed(self) -> list[str]:
        return [button.operator for button in self.buttons]
