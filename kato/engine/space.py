"""Whether there is room for the vectors and the names of emotives that are observed, found out
before anything of it happens (SPEC 4, 5, 8).

Neither needs an event or a model to stay: vectors are learned where too few symbols make a model,
and an observation of emotives alone makes no event.
"""

from collections.abc import Collection, Iterable

from kato.engine.limits import too_many_emotives, too_many_vectors
from kato.engine.vectors import VectorMemory
from kato.observation import Observation, vector_symbol


class Space:
    """How much may be held, beside what is."""

    def __init__(
        self,
        vectors: VectorMemory,
        emotives: Collection[str],
        *,
        max_vectors: int,
        max_emotives: int,
    ) -> None:
        """
        @param vectors: those that are held, learned or not; they are left as they are.
        @param emotives: the names that were gathered; as they are, too.
        """
        self._vectors = vectors
        self._emotives = emotives
        self._max_vectors = max_vectors
        self._max_emotives = max_emotives
        self._taken: set[str] = set()

    def holds(self, observations: Iterable[Observation]) -> bool:
        """Whether there is room, whatever of these is new."""
        vectors, emotives = self._vectors.held, len(self._emotives)
        for each in observations:
            vectors += len(each.vectors)
            emotives += len(each.emotives)
        return vectors <= self._max_vectors and emotives <= self._max_emotives

    def take(self, observation: Observation, path: str = "") -> None:
        """Let an observation have its place, as if it were made now.

        @param path: where it stands in a request.
        @raise LimitReached: where there is none left.
        """
        symbols = map(vector_symbol, observation.vectors)
        self._taken.update(each for each in symbols if not self._vectors.holds(each))
        if self._vectors.held + len(self._taken) > self._max_vectors:
            raise too_many_vectors(self._max_vectors, path)
        if observation.emotives:
            self._emotives = {*self._emotives, *observation.emotives}
            if len(self._emotives) > self._max_emotives:
                raise too_many_emotives(self._max_emotives, path)

    def learn(self) -> None:
        """Learn: emotives are gathered anew."""
        self._emotives = ()
