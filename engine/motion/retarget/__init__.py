"""From any skeleton to ours: `detect` the bones, `calibrate` on a pose, `transfer` the turns, place the `root`.

Every rig goes the same way: rest poses, rolls and mirrored axes of the source cancel, because only positions
tell how it stands in the calibration pose, and only turns since then are carried over.
"""
