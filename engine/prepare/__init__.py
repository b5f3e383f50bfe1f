"""From an image file to one person: pixels, matte, landmarks, crop, and a report in plain sentences.

decode → people (windows, look) → keypoints → mask (reach, grabcut) → person (framing, report)
"""
