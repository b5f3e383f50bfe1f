"""Photo to avatar. Knows nothing of Blender."""
