"""Avatars drawn as splats in the 3D Viewport: scene, pack, order, shader, draw, session, handlers."""
