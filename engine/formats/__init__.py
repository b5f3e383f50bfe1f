"""Files: the avatar file. numpy and stdlib only, so that Blender's process reads it without packages."""
