"""An avatar in a photo or clip: the plate, the camera that took it, the ground below, the light."""
