"""LHM as an engine: what it needs around the network to make an avatar of a photo.

models (files) → memory → person (pose), shape (betas) → photo (crops) → network → reconstruct

The crops: frame (where), edges and sampling (how), head and detector, enlarge and extras; told puts them into
sentences, picture and check show them before a run.
"""
