"""What happened, told to those who listen (SPEC 9, WebSocket).

The hub is pure: it is told what happened and when, knows no socket, and calls functions.  What
nobody listens to costs a place in a L{Feed}, and nothing is built.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from kato.events import OBSERVATIONS, STATUS, Event, Listener, Numbers, Position, Subscribed
from kato.feed import Feed
from kato.happenings import Foreseen, Happened, Happening, SeenInTurn

ALL = ""
"""The key of the feed that tells of processors coming and going; no processor has this id."""

Failed = Callable[[Exception, Event], None]
"""Is told of a listener that failed, and at which event."""


class Standing(NamedTuple):
    """How far a feed has come."""

    epoch: str
    numbers: Numbers


class _Ear:
    """Somebody who listens to some topics of one feed."""

    __slots__ = ("listener", "listens", "topics")

    def __init__(self, topics: frozenset[str], listener: Listener) -> None:
        self.listens = True
        self.topics = topics
        self.listener = listener


class Hub:
    """The feeds of all processors, and who listens to them."""

    def __init__(self, *, make_epoch: Callable[[], str], failed: Failed) -> None:
        """
        @param make_epoch: makes a name that no epoch had or will have, also after a restart.
        @param failed: logs a listener that failed; the others are told all the same.
        """
        self._make_epoch = make_epoch
        self._failed = failed
        self._feeds: dict[str, Feed] = {}
        self._ears: dict[str, tuple[_Ear, ...]] = {}
        self._told = 0

    # Telling

    def tell(
        self, key: str, happened: Iterable[Happened], now: float, *, durable: bool = False
    ) -> bool:
        """Tell what happened to one processor, in order; gives whether anybody listens to anything
        of it.

        @param now: when it happened, in Unix seconds.
        @param durable: whether these, and so all before them, cannot be lost any more.
        """
        feed = self._feeds.get(key) or self._begin(key)
        ears = self._ears.get(key)
        for each in happened:
            if isinstance(each, SeenInTurn):
                self._take_in_turn(feed, ears, each, now)
            elif ears is None:
                feed.take(each, now)
            else:
                self._take(feed, ears, each, now)
        if durable:
            feed.safe = feed.offset
        return ears is not None

    def _take_in_turn(
        self, feed: Feed, ears: tuple[_Ear, ...] | None, happened: SeenInTurn, now: float
    ) -> None:
        if ears is None or not _heard(ears, OBSERVATIONS):
            feed.take_in_turn(happened, now)
        else:
            for each in happened.each():
                self._take(feed, ears, each, now)

    def _take(self, feed: Feed, ears: tuple[_Ear, ...], happening: Happening, now: float) -> None:
        kept = feed.take(happening, now)
        if _heard(ears, happening.topic):
            self._send(ears, feed.event(kept))

    def foresee(self, key: str, foreseen: Foreseen, now: float) -> None:
        """Tell what is to be expected after all that was told so far."""
        feed = self._feeds.get(key) or self._begin(key)
        self._send(self._ears.get(key, ()), feed.event(feed.foresee(foreseen, now)))

    def _begin(self, key: str) -> Feed:
        feed = self._feeds[key] = Feed(key, self._make_epoch())
        return feed

    def _send(self, ears: tuple[_Ear, ...], event: Event) -> None:
        """Tell an event to who wants it."""
        for ear in ears:
            if event.topic in ear.topics:
                self._call(ear, event)

    def _call(self, ear: _Ear, event: Event) -> None:
        """Tell one who listens, unless he has cancelled, even just now."""
        if not ear.listens:
            return
        self._told += 1
        try:
            ear.listener(event)
        except Exception as error:
            self._failed(error, event)

    # History

    def saving(self, key: str) -> Callable[[], None]:
        """All that was told so far is being made durable; what is given is called when it is."""
        feed = self._feeds.get(key)
        if feed is None:
            return _nothing
        offset = feed.offset

        def saved() -> None:
            feed.safe = max(feed.safe, offset)

        return saved

    def roll_back(self, key: str, now: float) -> None:
        """What is not durable has not happened: where any of it was told, a new epoch begins."""
        feed = self._feeds.get(key)
        if feed is not None and feed.offset > feed.safe:
            self.renew(key, now)

    def renew(self, key: str, now: float) -> None:
        """The history of a processor is lost, or the processor deleted: all who listen are told the
        new epoch, whatever their topics."""
        self._feeds.pop(key, None)
        ears = self._ears.get(key)
        if ears is None:
            return
        feed = self._begin(key)
        data = {"state": "anew", "epoch": feed.epoch, "recovered": False}
        event = Event(STATUS, key, 0, now, data, epoch=feed.epoch)
        for ear in ears:
            self._call(ear, event)

    def depart(self, key: str) -> None:
        """A processor goes on elsewhere, and so does its history: who listens finds it there."""
        self._feeds.pop(key, None)

    # Listening

    def wants(self, key: str, topic: str) -> bool:
        """Whether anybody listens to a topic."""
        return _heard(self._ears.get(key, ()), topic)

    def standing(self, key: str) -> Standing | None:
        """How far a feed has come; C{None} where nothing was told yet, and nobody asked."""
        feed = self._feeds.get(key)
        return None if feed is None else Standing(feed.epoch, feed.numbers)

    def lacks_predictions(self, key: str, since: int = 0) -> bool:
        """Whether something changed after the predictions that were told last, and after
        C{since}."""
        feed = self._feeds.get(key)
        return feed is not None and feed.offset > max(feed.foreseen, since)

    def subscribe(
        self, key: str, topics: frozenset[str], position: Position | None, listener: Listener
    ) -> Subscribed:
        """Begin to tell events to C{listener}: the first is the one after those that are told in
        what is given."""
        feed = self._feeds.get(key) or self._begin(key)
        recovered = feed.recovers(position)
        return Subscribed(
            epoch=feed.epoch,
            offset=feed.offset,
            recovered=recovered,
            events=feed.missed(position, topics) if position is not None and recovered else (),
            numbers=feed.numbers,
            cancel=self.listen(key, topics, listener),
        )

    def tell_status(self, key: str, data: Mapping[str, Any], now: float) -> None:
        """Tell that something is up with where events come from, which is none itself."""
        feed = self._feeds.get(key) or self._begin(key)
        event = Event(STATUS, key, feed.offset, now, data, epoch=feed.epoch)
        self._send(self._ears.get(key, ()), event)

    def listen(self, key: str, topics: frozenset[str], listener: Listener) -> Callable[[], None]:
        """Tell events to C{listener} from now on; gives what ends that."""
        ear = _Ear(topics, listener)
        self._ears[key] = (*self._ears.get(key, ()), ear)
        return partial(self._dismiss, key, ear)

    def _dismiss(self, key: str, ear: _Ear) -> None:
        ear.listens = False
        left = tuple(each for each in self._ears.get(key, ()) if each is not ear)
        if left:
            self._ears[key] = left
        else:
            self._ears.pop(key, None)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of events."""
        return {
            "listeners": sum(map(len, self._ears.values())),
            "told": self._told,
        }


def _nothing() -> None:
    """There is no feed, so there is nothing in it to be lost."""


def _heard(ears: tuple[_Ear, ...], topic: str) -> bool:
    return any(topic in ear.topics for ear in ears)
