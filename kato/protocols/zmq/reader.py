"""How one listener follows the events of a processor elsewhere (SPEC 9): pure, it is told what came
and says when something is missing.

Events come over a wire that may lose some.  Each says how many there were so far of which none may
be missed; where one of those did not come, what came is held until the service has told what was
missed.  Of the other topics the newest is enough, and it says how many were skipped.
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
    C{away}: the service went away, and nothing comes.
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
        self._listener: Listener | None = listener
        self._begun = False
        self._epoch = ""
        self._whole = 0
        """Up to this offset nothing is missing."""
        self._last = 0
        """The offset of the last event that was told,"""
        self._foreseen = 0
        """and of the last predictions."""
        self._known = Numbers()
        """How many events there were, as far as is known,"""
        self._told = Numbers()
        """and the numbers of those that were told last."""
        self._held: list[Event] = []
        self._beaten: tuple[str, Numbers] | None = None

    @property
    def position(self) -> Position:
        """Up to where nothing is missing."""
        return Position(self._epoch, self._whole, self._foreseen)

    # What the service answers

    def begin(self, told: Subscribed, position: Position | None) -> None:
        """Begin after what C{told} tells; what comes next is told once L{go_on} is called.

        @param position: how far the listener had come.
        """
        self._begun = True
        if told.recovered and position is not None:
            self._foreseen = max([position.foreseen, *_foreseen(told.events)])
        else:
            self._foreseen = told.offset
        self._told = told.numbers
        self._stand(told)

    def _stand(self, told: Subscribed) -> None:
        self._epoch, self._known = told.epoch, told.numbers
        self._whole = self._last = told.offset

    def catch_up(self, told: Subscribed, now: float) -> bool:
        """Tell what was missed, then what came meanwhile; C{False}: something is missing again."""
        if told.recovered and told.epoch == self._epoch:
            if self.away:
                self._tell_status("back", told, now)
            for event in told.events:
                self._tell(event)
            self._told = self._told._replace(kept=told.numbers.kept)
            self._stand(told)
        else:
            self._foreseen, self._told = told.offset, told.numbers
            self._stand(told)
            self._tell_status("back" if self.away else "anew", told, now)
        self.away = False
        return self.go_on()

    def go_on(self) -> bool:
        """Tell what was held; C{False}: something is missing."""
        self.asking = False
        held, self._held = self._held, []
        whole = len(held) < MAX_HELD
        for event in held:
            whole = self.take(event) and whole
        beaten, self._beaten = self._beaten, None
        if beaten is not None:
            whole = self.beat(*beaten) and whole
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
        if event.topic == STATUS:
            return True
        if self._lacks(event):
            self.asking = True
            self._hold(event)
            return False
        self._tell(event)
        return True

    def _hold(self, event: Event) -> None:
        if len(self._held) < MAX_HELD:
            self._held.append(event)

    def _lacks(self, event: Event) -> bool:
        """Whether an event of which none may be missing is missing before this one."""
        return event.kept - (event.topic in KEPT) > self._known.kept

    def _tell(self, event: Event) -> None:
        """Tell an event that was not told before; one of which the newest is enough is not told
        after others that happened later, but counted by the next."""
        gap = event.number - self._told.of(event.topic) - 1
        late = event.offset < self._last
        if gap < 0 or (late and event.topic not in KEPT):
            return
        self._known, self._told = self._known.after(event), self._told.after(event)
        self._last = event.offset
        if event.topic == PREDICTIONS:
            self._foreseen = event.offset
        if event.topic in KEPT:
            self._whole, gap = event.offset, 0
        if event.topic in self.topics:
            self._call(event.after(gap))

    def beat(self, epoch: str, numbers: Numbers) -> bool:
        """Take a beat, which tells how many events there were; C{False}: some never came."""
        if self.asking:
            self._beaten = epoch, numbers
            return True
        if epoch == self._epoch and not self._misses(numbers):
            return True
        self.asking = True
        return False

    def _misses(self, numbers: Numbers) -> bool:
        topics = self.topics & {OBSERVATIONS, PREDICTIONS}
        return numbers.kept > self._known.kept or any(
            numbers.of(topic) > self._known.of(topic) for topic in topics
        )

    # The service itself

    def lose(self, now: float) -> None:
        """The service went away: what comes next is what was missed."""
        self.asking = True
        self._held.clear()
        self._beaten = None
        if self._begun and not self.away:
            self.away = True
            if STATUS in self.topics:
                data = {"state": "away"}
                self._call(Event(STATUS, self.key, self._last, now, data, epoch=self._epoch))

    def end(self) -> None:
        """Tell nothing any more."""
        self._listener = None

    def _call(self, event: Event) -> None:
        if self._listener is not None:
            self._listener(event)

    def _tell_status(self, state: str, told: Subscribed, now: float) -> None:
        """Tell that the service is back, or that its history is another one: that must be known by
        everybody."""
        if STATUS in self.topics or not told.recovered:
            self._call(told.status(self.key, state, now))


def _foreseen(events: Iterable[Event]) -> Iterable[int]:
    return (each.offset for each in events if each.topic == PREDICTIONS)
