"""Which joints a point beside the body follows: weights diffused through the air, loose cloth, held things.

``field`` has the weights around a body, ``find_loose`` finds skirts and coats in a photo, ``looseness`` says
which points belong to them, ``loose`` keeps those from being torn, ``bind`` makes bindings.
"""
