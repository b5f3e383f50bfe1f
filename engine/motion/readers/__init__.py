"""Readers of motion files. numpy and the standard library only: Blender's own process reads them."""
