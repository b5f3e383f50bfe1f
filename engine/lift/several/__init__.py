"""Several: more photos of the same person, registered on the first and combined."""
