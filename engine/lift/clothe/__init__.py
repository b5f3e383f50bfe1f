"""Clothe: the surface of the person with garments, hair and hat, as near and far sheet over the photo."""
