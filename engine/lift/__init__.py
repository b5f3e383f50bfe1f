"""``lift``: the built-in engine. Fit the free body to the photo, project the photo onto it, fill, refine.

Read `lift` first: it goes through each photo (`view`) and combines them. A folder for each stage, in order:
``fit``, ``parse``, ``clothe``, ``place``, ``fill``, ``several``; what several stages use lies beside them.
"""
