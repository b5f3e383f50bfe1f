"""Fit: the body, its pose and the camera, from landmarks, outline and gravity."""
