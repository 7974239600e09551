"""How one listener follows the events of a processor elsewhere (SPEC 9): pure, it is told what came
and says when something is missing.

Events come over a wire that may lose some.  Those of the topics that are kept are counted together,
and their numbers follow each other; where one is left out, what came is held until the service has
told what was missed.  Of the other topics the newest is enough, and it says how many were skipped.
"""

from collections.abc import Iterable

from kato.events import (
    KEPT,
    OBSERVATIONS,
    PREDICTIONS,
    STATUS,
    Event,
    Listener,
    Numbers,
    Position,
    Subscribed,
)

MAX_HELD = 1_000
"""How many events are held; of more, the service is asked once more."""


class Reader:
    """What one listener was told so far.

    C{asking}: the service has been asked what was missed, and what comes is held meanwhile.
    """

    def __init__(self, key: str, topics: frozenset[str], listener: Listener) -> None:
        """
        @param key: whose events it follows: an id, or empty for all.
        @param listener: does not raise.
        """
        self.key = key
        self.topics = topics
        self.asking = True
        self.away = False
        self._begun = False
        self._listener: Listener | None = listener
        self._epoch = ""
        self._offset = 0
        self._foreseen = 0
        self._numbers = Numbers()
        self._held: list[Event] = []

    @property
    def position(self) -> Position:
        """Up to where nothing is missing."""
        return Position(self._epoch, self._offset, self._foreseen)

    # What the service answers

    def begin(self, told: Subscribed, position: Position | None) -> None:
        """Begin after what C{told} tells; what comes next is told once L{go_on} is called.

        @param position: how far the listener had come.
        """
        self._begun = True
        self._foreseen = 0 if position is None else position.foreseen
        self._stand(told)

    def _stand(self, told: Subscribed) -> None:
        self._epoch, self._offset, self._numbers = told.epoch, told.offset, told.numbers
        if told.recovered:
            self._foreseen = max([self._foreseen, *_foreseen(told.events)])
        else:
            self._foreseen = told.offset

    def catch_up(self, told: Subscribed, now: float) -> bool:
        """Tell what was missed, then what came meanwhile; C{False}: something is missing again."""
        if told.recovered and told.epoch == self._epoch:
            if self.away:
                self._tell_status("back", told, now)
            for event in told.events:
                self._tell(event)
            self._stand(told)
        else:
            state = "back" if self.away else "anew"
            self._stand(told)
            self._tell_status(state, told, now)
        self.away = False
        return self.go_on()

    def go_on(self) -> bool:
        """Tell what was held; C{False}: something is missing."""
        self.asking = False
        held, self._held = self._held, []
        whole = len(held) < MAX_HELD
        for event in held:
            whole = self.take(event) and whole
        self.asking = not whole
        return whole

    # What comes

    def take(self, event: Event) -> bool:
        """Take an event that came; C{False}: one before it is missing, or the history is another
        one, and the service is to be asked."""
        if self.asking:
            self._hold(event)
            return True
        if event.epoch != self._epoch:
            self.asking = True
            return False
        if self._lacks(event):
            self.asking = True
            self._hold(event)
            return False
        if event.topic != STATUS:
            self._tell(event)
        return True

    def _hold(self, event: Event) -> None:
        if len(self._held) < MAX_HELD:
            self._held.append(event)

    def _lacks(self, event: Event) -> bool:
        """Whether an event of which none may be missing is missing before this one."""
        return event.topic in KEPT and event.number > self._numbers.kept + 1

    def _tell(self, event: Event) -> None:
        """Tell an event that was not told before, if it is of a topic that is wanted."""
        gap = event.number - self._numbers.of(event.topic) - 1
        if gap < 0:
            return
        self._numbers = self._numbers.after(event)
        if event.topic == PREDICTIONS:
            self._foreseen = event.offset
        if event.topic in KEPT:
            self._offset = event.offset
            gap = 0
        if event.topic in self.topics:
            self._call(event.after(gap))

    def beat(self, epoch: str, numbers: Numbers) -> bool:
        """Take a beat, which tells how many events there were; C{False}: some never came."""
        if self.asking:
            return True
        counted = (numbers.kept > self._numbers.kept, self._misses(numbers))
        if epoch == self._epoch and not any(counted):
            return True
        self.asking = True
        return False

    def _misses(self, numbers: Numbers) -> bool:
        return any(
            topic in self.topics and numbers.of(topic) > self._numbers.of(topic)
            for topic in (OBSERVATIONS, PREDICTIONS)
        )

    # The service itself

    def lose(self, now: float) -> None:
        """The service went away: what comes next is what was missed."""
        self.asking = True
        self._held.clear()
        if self._begun and not self.away:
            self.away = True
            if STATUS in self.topics:
                self._call(self._status({"state": "away"}, now))

    def end(self) -> None:
        """Tell nothing any more."""
        self._listener = None

    def _call(self, event: Event) -> None:
        if self._listener is not None:
            self._listener(event)

    def _tell_status(self, state: str, told: Subscribed, now: float) -> None:
        """Tell that the service is back, or that its history is another one: that must be known by
        everybody."""
        recovered = told.recovered
        if STATUS in self.topics or not recovered:
            data = {"state": state, "epoch": told.epoch, "recovered": recovered}
            self._call(self._status(data, now))

    def _status(self, data: dict[str, object], now: float) -> Event:
        return Event(STATUS, self.key, self._offset, now, data, epoch=self._epoch)


def _foreseen(events: Iterable[Event]) -> Iterable[int]:
    return (each.offset for each in events if each.topic == PREDICTIONS)
