"""Whether long-term memory has room for what would be learned, found out before anything of it
happens (SPEC 8)."""

from collections.abc import Sequence

from kato.engine.auto_learning import learns_at, left_of
from kato.engine.knowledge import Knowledge
from kato.engine.limits import too_many_models
from kato.engine.perceiving import event_of
from kato.engine.vectors import VectorMemory
from kato.genes import Genes
from kato.model import Sequence as Events
from kato.observation import Event, Observation


class Room:
    """How many models there may be, beside those there are.

    What is learned once more needs no room, nor what has too few symbols to become a model.
    """

    def __init__(self, knowledge: Knowledge, most: int) -> None:
        """@param most: how many models there may be."""
        self._knowledge = knowledge
        self._most = most
        self._taken: set[Events] = set()

    def holds(self, learnings: int) -> bool:
        """Whether there is room, whatever so many learnings make."""
        return len(self._knowledge) + learnings <= self._most

    def take(self, sequence: Events, path: str = "") -> None:
        """Let C{sequence} have its place, as if it were learned now.

        @param path: where in a request it would be learned.
        @raise LimitReached: where there is none left.
        """
        few = sum(map(len, sequence)) < 2
        if few or sequence in self._taken or self._knowledge.knows(sequence):
            return
        if not self.holds(len(self._taken) + 1):
            raise too_many_models(self._most, path)
        self._taken.add(sequence)


class Trial:
    """A sequence of observations gone through in thought, learning by learning.

    Vectors are learned in a copy: what the later ones are called hangs on the earlier ones.
    """

    def __init__(
        self, room: Room, events: Sequence[Event], vectors: VectorMemory, genes: Genes
    ) -> None:
        """@param events: short-term memory; it is left as it is, and so are the vectors."""
        self._room = room
        self._events = list(events)
        self._vectors = vectors.copy()
        self._genes = genes

    def observe(self, observation: Observation, path: str) -> None:
        """Observe, and learn where the genes say so.

        @raise LimitReached: where there is no room for what is learned then.
        """
        event, _ = event_of(observation, self._vectors, self._genes)
        for vector in observation.vectors:
            self._vectors.observe(vector)
        if event:
            self._events.append(event)
            if learns_at(len(self._events), self._genes):
                self._learn(left_of(len(self._events), self._genes), path)

    def learn(self, path: str) -> None:
        """Learn all that is there.

        @raise LimitReached: where there is no room for it.
        """
        self._learn(0, path)

    def _learn(self, left: int, path: str) -> None:
        self._room.take(tuple(self._events), path)
        self._vectors.learn()
        del self._events[: len(self._events) - left]
