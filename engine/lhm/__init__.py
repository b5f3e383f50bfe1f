"""LHM as an engine: what it needs around the network to make an avatar of a photo.

models (files) → memory → person (pose), shape (betas) → photo (crops) → network → reconstruct
"""
