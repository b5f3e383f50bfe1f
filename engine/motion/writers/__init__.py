"""Motions as files for other programs: BVH, AMASS-style archives, LHM's folders of frames."""
