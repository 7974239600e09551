"""Services that tell events, played by a hub."""

from collections.abc import Callable
from itertools import count

from twisted.internet.defer import Deferred, fail, succeed

from kato.errors import KatoError
from kato.events import Listener, Subscribed, Wish
from kato.happenings import CameOrWent, Happened
from kato.hub import ALL, Hub


class TellingService:
    """Tells what the test lets happen; it answers at once, unless the test says otherwise."""

    def __init__(self, name: str) -> None:
        epochs = map((name + " {}").format, count(1))
        self.hub = Hub(make_epoch=lambda: next(epochs), failed=_raise)
        self.wishes: list[Wish] = []
        self.error: KatoError | None = None
        self.held: list[Callable[[], None]] | None = None

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Answer, refuse, or wait for L{go_on}."""
        self.wishes.append(wish)
        if self.error is not None:
            return fail(self.error)
        if self.held is None:
            return succeed(self._subscribe(wish, listener))
        answer: Deferred[Subscribed] = Deferred()
        self.held.append(lambda: answer.callback(self._subscribe(wish, listener)))
        return answer

    def _subscribe(self, wish: Wish, listener: Listener) -> Subscribed:
        return self.hub.subscribe(wish.key, wish.topics, wish.position, listener)

    def go_on(self) -> None:
        """Answer all who wait."""
        held, self.held = self.held or [], None
        for each in held:
            each()

    def tell(self, *happened: Happened, key: str = "p1") -> None:
        """Let something happen to a processor."""
        self.hub.tell(key, happened, 5.0)

    def come(self, processor: str) -> None:
        """A processor is made."""
        self.tell(CameOrWent(processor, came=True), key=ALL)

    def go(self, processor: str) -> None:
        """A processor is deleted."""
        self.tell(CameOrWent(processor, came=False), key=ALL)

    @property
    def listeners(self) -> int:
        """How many listen."""
        return int(self.hub.statistics()["listeners"])


def _raise(error: Exception, event: object) -> None:
    raise error
