"""How much a processor holds at most, and what is said where it would be more (SPEC 8, 10)."""

from kato.errors import LimitReached

MAX_EVENTS = 100_000
"""How many events a short-term memory holds unless it is told otherwise,"""

MAX_MODELS = 1_000_000
"""how many models a long-term memory,"""

MAX_VECTORS = 1_000_000
"""how many vectors, learned or not,"""

MAX_GATHERED = 100_000
"""and how many names of emotives between two learnings."""


def too_many_events(most: int, path: str = "") -> LimitReached:
    """Make the error for one more event than C{most}; C{path} says where it stands."""
    return LimitReached(
        f"{path}short-term memory holds {most:,} events and may not hold more, which is the limit "
        "max-events: learn or clear first"
    )


def too_many_models(most: int, path: str = "") -> LimitReached:
    """Make the error for one more model than C{most}; C{path} says what would make it."""
    return LimitReached(
        f"{path}long-term memory holds {most:,} models and may not hold more, which is the limit "
        "max-models: delete some, or clear short-term memory"
    )


def too_many_vectors(most: int, path: str = "") -> LimitReached:
    """Make the error for one more vector than C{most}; C{path} says where its observation is."""
    return LimitReached(
        f"{path}vectors: more than {most:,} would be held, which is the limit max-vectors: observe "
        "those that are known, clear short-term memory if some were not learned, or clear all"
    )


def too_many_emotives(most: int, path: str = "") -> LimitReached:
    """Make the error for one more name of emotives than C{most}; C{path} says where it stands."""
    return LimitReached(
        f"{path}emotives: more than {most:,} names would be gathered since the last learning, "
        "which is the limit max-gathered: learn or clear first"
    )
