"""Somebody who listens to events, and what all who hear of the same thing agree on."""

from twisted.internet.defer import Deferred

from kato.events import KEPT, OBSERVATIONS, PREDICTIONS, STATUS, Event, Position, Subscribed


class Ear:
    """A listener that keeps what it was told, as a client would: with how far it has come.  Where
    it is not told what it missed, it reads the state anew."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.answer: Subscribed | None = None
        self.position: Position | None = None

    def __call__(self, event: Event) -> None:
        """Be told one event, never before the answer."""
        if self.answer is None:
            raise AssertionError(f"{event} came before the answer")
        self._take(event)

    def answered(self, answer: Subscribed) -> Subscribed:
        """Take the answer, with what was missed."""
        for event in answer.events:
            self._take(event)
        self.answer = answer
        known = self.position is not None and answer.recovered
        foreseen = self.position.foreseen if self.position and known else answer.offset
        self.position = Position(answer.epoch, answer.offset, foreseen)
        return answer

    def follow(self, subscribing: "Deferred[Subscribed]") -> "Deferred[Subscribed]":
        """Take the answer when it comes."""
        return subscribing.addCallback(self.answered)

    def _take(self, event: Event) -> None:
        self.told.append(event)
        if self.position is None:
            return
        epoch, offset, foreseen, _ = self.position
        if event.topic == STATUS and event.data.get("recovered") is False:
            self.position = Position(str(event.data["epoch"]), event.offset)
        elif event.topic == PREDICTIONS:
            self.position = Position(epoch, offset, event.offset)
        elif event.topic != STATUS:
            self.position = Position(epoch, event.offset, foreseen)

    def of(self, *topics: str) -> list[Event]:
        """What was told of some topics."""
        return [each for each in self.told if each.topic in topics]

    @property
    def topics(self) -> list[str]:
        """The topics of what was told, in order."""
        return [each.topic for each in self.told]

    @property
    def offsets(self) -> list[int]:
        """The offsets of what was told, in order."""
        return [each.offset for each in self.told]

    @property
    def kept(self) -> list[tuple[str, int]]:
        """The epochs and offsets of what must not be missed."""
        return [(each.epoch, each.offset) for each in self.told if each.topic in KEPT]

    def counted(self, topic: str = OBSERVATIONS) -> int:
        """How many events of a topic were told or told of as skipped."""
        return sum(1 + each.skipped for each in self.of(topic))
