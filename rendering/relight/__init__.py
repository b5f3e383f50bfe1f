"""Avatars under the scene's lights: where they face, colours without the photo's light, shadows."""
