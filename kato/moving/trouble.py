"""Why something was not done: one line for the person who typed it."""


class Trouble(Exception):
    """What was asked for cannot be done."""


def plainly(error: Exception) -> str:
    """What went wrong, in a line for people: of the system's own errors the file and the reason,
    without their numbers."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


class Damaged(Trouble):
    """A file is not as it was written; the line tells where."""
