"""Why something was not done: one line for the person who typed it."""


class Trouble(Exception):
    """What was asked for cannot be done."""


class Damaged(Trouble):
    """A file is not as it was written; the line tells where."""
