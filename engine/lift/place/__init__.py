"""Place: Gaussians on it, each with its joints and its pixel."""
