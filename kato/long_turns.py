"""Turns that are taken in a thread, after a look at what other services have computed already.

The look is only taken where computing has lately been worth it, and it is short: whatever the
cache does, the turn is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred, gatherResults

from kato.caching.interface import Cache
from kato.caching.sealing import seal, unseal
from kato.codec import encode_json
from kato.counting import Histogram
from kato.engine import Processor
from kato.errors import KatoError
from kato.questions import Answer, Question, outlook_for
from kato.threads import InThread

_T = TypeVar("_T")

WORTH = 0.003
"""Seconds from which computing is worth a look: that takes half a millisecond or a whole one, and
is for nothing where nothing is found."""

_FADING = 0.8
"""What remains of how long computing took, each time that it takes less."""


@dataclass(frozen=True, slots=True)
class _Taken(Generic[_T]):
    """A turn that was taken: how long it took, how many values were damaged, and what it came to
    know that the cache did not."""

    result: _T
    seconds: float
    damaged: int
    news: Sequence[tuple[str, Answer]]


class LongTurns:
    """Takes turns in a thread."""

    def __init__(
        self, in_thread: InThread, cache: Cache | None = None, *, worth: float = WORTH
    ) -> None:
        """
        @param cache: where other services may have left answers, if there is such.
        @param worth: seconds from which computing is worth a look.
        """
        self._in_thread = in_thread
        self._cache = cache
        self._worth = worth
        self._lately: WeakKeyDictionary[Processor, float] = WeakKeyDictionary()
        self._damaged = 0

    @property
    def is_cached(self) -> bool:
        """Whether there is a cache: then processors need fingerprints."""
        return self._cache is not None

    @property
    def seconds(self) -> Histogram | None:
        """How long looks took."""
        return None if self._cache is None else self._cache.seconds

    def take(
        self, engine: Processor, questions: Sequence[Question], turn: Callable[[], _T]
    ) -> "Deferred[_T]":
        """Take a turn; nothing changes the engine until it fires.

        @param questions: what it asks of the engine.
        """
        cache = self._cache
        if cache is None or not questions:
            return self._in_thread(turn)
        return Deferred.fromCoroutine(self._take(cache, engine, questions, turn))

    async def _take(
        self,
        cache: Cache,
        engine: Processor,
        questions: Sequence[Question],
        turn: Callable[[], _T],
    ) -> _T:
        keys: dict[str, Question] = {}
        values: Sequence[bytes | None] = ()
        looks = self._is_worth(engine)
        if looks:
            keys = await self._in_thread(partial(_keys, engine, questions))
            values = await gatherResults([cache.get(key) for key in keys])
        known = dict(zip(keys, values, strict=True))
        taken: _Taken[_T] = await self._in_thread(partial(_taken, engine, keys, known, turn))
        self._damaged += taken.damaged
        if taken.news or not looks:
            self._note(engine, taken.seconds)
        if taken.news and taken.seconds >= self._worth:
            self._keep(cache, taken.news)
        return taken.result

    # What it is worth

    def _is_worth(self, engine: Processor) -> bool:
        """Whether computing took long lately, or nobody knows."""
        return self._lately.get(engine, self._worth) >= self._worth

    def _note(self, engine: Processor, seconds: float) -> None:
        faded = self._lately.get(engine, 0.0) * _FADING
        self._lately[engine] = max(seconds, faded)

    # What others may want

    def _keep(self, cache: Cache, news: Sequence[tuple[str, Answer]]) -> None:
        """Whoever asked does not wait for it."""
        for key, answer in news:
            sealing = self._in_thread(partial(_sealed, key, answer))
            sealing.addCallback(partial(_put, cache, key))

    def statistics(self) -> dict[str, Any] | None:
        """What C{/stats} tells of the cache; C{None}: there is none."""
        if self._cache is None:
            return None
        told = self._cache.statistics()
        hits = told.pop("found") - self._damaged
        return {**told, "hits": hits, "damaged": self._damaged}


def _keys(engine: Processor, questions: Sequence[Question]) -> dict[str, Question]:
    """The questions whose answers are not known here, by key."""
    try:
        outlook = outlook_for(engine, questions)
    except KatoError:
        return {}
    open_ = [each for each in questions if not each.is_answered(outlook)]
    return {each.key(engine.id, outlook): each for each in open_}


def _taken(
    engine: Processor,
    keys: dict[str, Question],
    known: dict[str, bytes | None],
    turn: Callable[[], _T],
) -> _Taken[_T]:
    """Take a turn with what is known; what is damaged is computed anew."""
    damaged = 0
    missing = {}
    for key, question in keys.items():
        value = known[key]
        text = None if value is None else unseal(key, value)
        outlook = outlook_for(engine, (question,))
        if text is None or not question.take(outlook, text):
            damaged += value is not None
            missing[key] = question
    began = perf_counter()
    result = turn()
    seconds = perf_counter() - began
    news = [(key, each.answer(outlook_for(engine, (each,)))) for key, each in missing.items()]
    return _Taken(result, seconds, damaged, news)


def _sealed(key: str, answer: Answer) -> bytes | None:
    return seal(key, encode_json(answer))


def _put(cache: Cache, key: str, value: bytes | None) -> None:
    if value is not None:
        cache.put(key, value)
