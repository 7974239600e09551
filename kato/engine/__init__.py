"""The engine: a deterministic memory of sequences, pure, usable on its own as a library.

>>> from kato.engine import Observation, Processor
>>> processor = Processor("p1")
>>> processor.observe(Observation(strings=("hello", "world"))).window
Window(start=0, end=1)
"""

from kato.engine.observed import Observed, SequenceObserved
from kato.engine.processor import Processor
from kato.observation import Observation

__all__ = ["Observation", "Observed", "Processor", "SequenceObserved"]
