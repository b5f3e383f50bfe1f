"""``lift``: the built-in engine. Fit the free body to the photo, project the photo onto it, fill, refine.

observation → fit → volume → front/back (place) → colour → fill → refine → unpose
"""
