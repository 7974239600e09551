"""What a worker's processors do, told to those who listen (SPEC 9).

The worker says when: all that is told here is as durable as it must be.
"""

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.events import Event, Listener, Subscribed, Wish
from kato.foresight import Foresight
from kato.happenings import CameOrWent, Deleted, Foreseen
from kato.hub import ALL, Hub
from kato.long_turns import LongTurns
from kato.slots import Slot
from kato.turn import Outcome


class Publishing:
    """Tells what happened, and what is to be expected after it."""

    log = Logger()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        long_turns: LongTurns,
        make_epoch: Callable[[], str],
        pending: Callable[[str], "Deferred[None] | None"],
        free: Callable[[Slot], None],
    ) -> None:
        """
        @param make_epoch: makes names of histories, none of them ever twice.
        @param pending: when all is durable that a processor did so far; C{None}: it need not be, or
            is.
        @param free: goes on with the turns of a processor, or lets go of its place.
        """
        self.hub = Hub(make_epoch=make_epoch, failed=self._listener_failed)
        self.foresight = Foresight(
            self.hub, clock=clock, long_turns=long_turns, tell=self._foreseen, free=free
        )
        self._clock = clock
        self._pending = pending
        self._free = free

    # Telling

    def tell(self, slot: Slot, outcome: Outcome, *, durable: bool) -> None:
        """Tell what a turn did.

        @param durable: whether that cannot be lost any more.
        """
        now = outcome.reply.time_stamp
        if not slot.announced:
            slot.announced = True
            self.hub.tell(ALL, (CameOrWent(slot.id, came=True),), now)
        if outcome.happened and self.hub.tell(slot.id, outcome.happened, now, durable=durable):
            self.foresight.owe(slot)

    def tell_deleted(self, slot: Slot, now: float) -> None:
        """Tell that a processor was deleted: its history ends with that."""
        self.hub.tell(slot.id, (Deleted(),), now)
        self.hub.renew(slot.id, now)
        self.tell_gone(slot, now)

    def tell_gone(self, slot: Slot, now: float) -> None:
        """Tell that a processor is no more, to those who know that it was."""
        if slot.announced:
            slot.announced = False
            self.hub.tell(ALL, (CameOrWent(slot.id, came=False),), now)

    def _foreseen(self, slot: Slot, foreseen: Foreseen) -> None:
        """Tell predictions, after all that was done before them."""
        tell = partial(self._tell_foreseen, slot, slot.generation, foreseen)
        slot.telling.add(self._pending(slot.id), tell, lambda _: self._free(slot))

    def _tell_foreseen(self, slot: Slot, generation: int, foreseen: Foreseen) -> None:
        if generation == slot.generation and self.hub.lacks_predictions(slot.id):
            self.hub.foresee(slot.id, foreseen, self._clock.seconds())

    # What is void

    def roll_back(self, slot: Slot, *, defect: bool) -> None:
        """A processor is put back to its last durable state.

        @param defect: nobody knows what is void: something that waits to be told may be durable.
        """
        slot.owed_since = None
        now = self._clock.seconds()
        if defect:
            self.hub.renew(slot.id, now)
        else:
            self.hub.roll_back(slot.id, now)

    # Listening

    def subscribe(self, wish: Wish, slot: Slot | None, listener: Listener) -> Subscribed:
        """Tell events to C{listener}.

        @param slot: the processor's; C{None} where it is about all of them.
        """
        subscribed = self.hub.subscribe(wish.key, wish.topics, wish.position, listener)
        if slot is not None and wish.position is not None and subscribed.recovered:
            self.foresight.catch_up(slot, wish.position.foreseen)
        return subscribed

    def _listener_failed(self, error: Exception, event: Event) -> None:
        self.log.failure(
            "a listener failed at {topic} of {processor}",
            failure=Failure(error),
            topic=event.topic,
            processor=event.processor,
        )
