"""Motions: poses over time, and the walk that comes with the extension. numpy only."""
