"""What observing did, as values."""

from dataclasses import dataclass

from kato.changes import Window
from kato.happenings import Happened, Learned


@dataclass(frozen=True, slots=True)
class Observed:
    """What an observation did, or did the first time where it is repeated.

    C{auto_learned_model} is C{None} where nothing was learned; C{bounded} says that the search
    for the components of a vector gave up; C{window} is the short-term memory right after it;
    C{learned} tells of what was learned just now, which is nothing where it is C{repeated}.
    """

    unique_id: str | None
    auto_learned_model: str | None
    bounded: bool
    window: Window
    interval: int
    time_stamp: float
    repeated: bool = False
    learned: Learned | None = None


@dataclass(frozen=True, slots=True)
class SequenceObserved:
    """What a sequence of observations did, all together, and in C{happened} one by one.

    C{bounded} says that the search for a vector's components gave up somewhere; C{window} is the
    short-term memory after the last.
    """

    observed: int
    learned_models: tuple[str, ...]
    bounded: bool
    window: Window
    happened: tuple[Happened, ...]
