"""LHM as an engine: what it needs around the network to make an avatar of a photo.

models (files) → memory → person (pose), shape (betas) → photo (crops) → network → reconstruct

The crops: body_crop (frame says where, edges and sampling how), head_crop (head or detector says where,
enlarge helps, extras finds the files); told puts them into sentences; picture and check show them before a
run.
"""
