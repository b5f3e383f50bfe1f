"""From an image file to one person: pixels, matte, landmarks, crop, and a report in plain sentences.

decode → people → mask → keypoints → person
"""
