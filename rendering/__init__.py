"""Showing the avatar: nodes for Cycles and EEVEE, and a render engine of our own. Uses bpy."""
