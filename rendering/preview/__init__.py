"""What LHM Preview takes from the scene and gives back to Blender. `preview_engine` puts it together."""
