"""From any skeleton to ours: `detect` bones, `calibrate` on one pose, `transfer` turns, place the `root`.

Every rig goes the same way: rest poses, rolls and mirrored axes of the source cancel, because only positions
tell how it stands in the calibration pose, and only turns since then are carried over.
"""
