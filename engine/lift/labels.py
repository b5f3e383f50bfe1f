"""Labels: what a pixel of the photo, or a Gaussian, may be part of."""

NOTHING, SKIN, HAIR, TOP, BOTTOM, SHOES, HAT, COAT, HELD = range(9)
"""A dress is one garment: its lower half is ``TOP``, too."""

LABEL_NAMES = ("nothing", "skin", "hair", "top", "bottom", "shoes", "hat", "coat", "held")
