"""Faces in motions: curves by name, as weights of face shapes and turns of jaw and eyes. numpy only."""
