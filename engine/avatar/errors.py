"""The one exception whose text is written for the artist."""


class AvatarError(Exception):
    """Something the user can act on.

    The text is one or two plain sentences: what happened, and what to do. Operators report it as it
    stands; every other exception is a bug and keeps its traceback.
    """
