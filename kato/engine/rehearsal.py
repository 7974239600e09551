"""A sequence of observations gone through in thought, so that it is done whole or not at all
(SPEC 8)."""

from collections.abc import Sequence

from kato.engine.auto_learning import learns_at, left_of
from kato.engine.limits import too_many_events
from kato.engine.recollection import Recollection
from kato.engine.room import Trial
from kato.engine.space import Space
from kato.genes import Genes
from kato.observation import Observation


class Rehearsal:
    """What would happen, observation by observation.

    Ids are forgotten as later ones are remembered, also within the sequence, so they are followed
    by their ordinals.
    """

    def __init__(
        self,
        remembered: Recollection,
        *,
        length: int,
        max_events: int,
        genes: Genes,
        trial: Trial | None,
        space: Space | None,
    ) -> None:
        """
        @param remembered: the observations that are known by their ids.
        @param length: of short-term memory, in events.
        @param trial: finds out whether there is room for what is learned, where that is in doubt.
        @param space: the same of what is observed.
        """
        self._remembered = remembered
        self._length = length
        self._max_events = max_events
        self._genes = genes
        self._trial = trial
        self._space = space
        self._recent: dict[str, tuple[int, str]] = {}
        self._ordinal = remembered.next_ordinal

    def go(
        self, observations: Sequence[Observation], learn_after_each: bool, learn_at_end: bool
    ) -> list[bool]:
        """Tell which observations are new.

        @raise Conflict: where an id was used for another observation.
        @raise LimitReached: where short-term memory would be too full, or another.
        """
        fresh = []
        for i, observation in enumerate(observations):
            path = f"observations[{i}]"
            fresh.append(self._is_fresh(observation, path))
            if learn_after_each:
                self._learn(f"{path}: ")
        if learn_at_end:
            self._learn("learn_at_end: ")
        return fresh

    def _learn(self, path: str) -> None:
        self._length = 0
        if self._space is not None:
            self._space.learn()
        if self._trial is not None:
            self._trial.learn(path)

    def _is_fresh(self, observation: Observation, path: str) -> bool:
        key = observation.unique_id
        if key is not None:
            digest = observation.digest()
            known = self._known(key)
            if known == digest:
                return False
            if known is not None:
                raise self._remembered.conflict(key, f"{path}.unique_id")
            self._recent[key] = (self._ordinal, digest)
            self._ordinal += 1
        if self._space is not None:
            self._space.take(observation, f"{path}.")
        if observation.has_event:
            self._take_event(path)
        if self._trial is not None:
            self._trial.observe(observation, f"{path}: ")
        return True

    def _known(self, key: str) -> str | None:
        """The digest of the observation that has this id, if it would still be remembered."""
        if key in self._recent:
            ordinal, digest = self._recent[key]
        else:
            answer = self._remembered.get(key)
            if answer is None:
                return None
            ordinal, digest = answer.ordinal, answer.digest
        return digest if ordinal >= self._ordinal - self._remembered.capacity else None

    def _take_event(self, path: str) -> None:
        if self._length >= self._max_events:
            raise too_many_events(self._max_events, f"{path}: ")
        self._length += 1
        if learns_at(self._length, self._genes):
            self._length = left_of(self._length, self._genes)
            if self._space is not None:
                self._space.learn()
