"""The motions that come with the extension, made from a person's rest joints alone. Our own; CC0.

`catalogue` lists them. `walk` and `run` are a `gait`: `feet` placed on the ground, legs that reach for them
(`limbs`, `lower_body`), and what the `upper_body` does meanwhile. The others begin and end `standing`.
`curves` are what an animator would draw.
"""
