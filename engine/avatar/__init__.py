"""The vocabulary: Gaussians, body, skinning and axes. numpy only; imports nothing else of the extension."""
