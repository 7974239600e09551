"""A processor's place in the worker: its engine, and the commands that wait for a turn on it."""

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.commands import Command, Reply
from kato.engine import Processor
from kato.errors import KatoError
from kato.sizes import Size
from kato.telling import Telling
from kato.tenure import Result


class Ask:
    """A command on its way; who asked may have given up.

    C{epoch} is that under which its turn began, and C{time} is when, in Unix seconds; C{known_new}
    says that no service has carried it out before.
    """

    __slots__ = ("answer", "begun", "command", "epoch", "given_up", "known_new", "seal", "time")

    def __init__(
        self,
        command: Command,
        cancelled: "Callable[[Ask], None]",
        seal: Callable[[Command, int | None, Result], Result],
    ) -> None:
        """
        @param cancelled: is told when who asked gives up.
        @param seal: says what may be answered: as L{kato.tenure.Tenure.seal}.
        """
        self.command = command
        self.seal = seal
        self.epoch: int | None = None
        self.time = 0.0
        self.begun = False
        self.known_new = False
        self.given_up = False
        self.answer: Deferred[Reply] = Deferred(lambda _: cancelled(self))

    def settle(self, result: Reply | Failure | KatoError) -> None:
        """Answer, if anybody still wants to know."""
        if self.given_up:
            return
        sealed = self.seal(self.command, self.epoch, result)
        if isinstance(sealed, Reply):
            self.answer.callback(sealed)
        else:
            self.answer.errback(sealed)


class Slot:
    """The place of one processor, whether or not it exists now.

    C{stale} says that a processor may be stored which is not loaded.  C{generation} rises when the
    engine is thrown away, so that a turn that was taken on it meanwhile is not believed.
    C{indexed} says that the store keeps an index of the models, as they are stored.  C{announced}
    says that those who listen know of the processor; C{owed_since} is when predictions were
    promised to them, which are still to be computed.  C{held_back} says that no turn begins, since
    another service is about to get the processor, or nobody.  C{size} is what L{measured} found
    last.
    """

    __slots__ = (
        "announced",
        "changing",
        "dirty",
        "engine",
        "generation",
        "held_back",
        "id",
        "indexed",
        "loading",
        "owed_since",
        "queue",
        "running",
        "size",
        "stale",
        "telling",
    )

    def __init__(self, processor: str) -> None:
        self.id = processor
        self.engine: Processor | None = None
        self.queue: deque[Ask] = deque()
        self.running = False
        self.held_back = False
        self.changing = False
        self.loading: Deferred[None] | None = None
        self.stale = False
        self.dirty = False
        self.indexed = False
        self.generation = 0
        self.telling = Telling()
        self.announced = False
        self.owed_since: float | None = None
        self.size: Size | None = None

    def measured(self) -> Size | None:
        """How large the processor is; what it was last while its engine is used in a thread, and
        C{None} where that is not known."""
        if self.engine is None:
            self.size = None
        elif not self.running:
            self.size = Size.of(self.engine, unsaved=self.dirty, before=self.size)
        return self.size

    @property
    def vacant(self) -> bool:
        """Whether there is nothing here to keep."""
        waits = self.loading is not None or self.held_back
        return not (self.taken or self.queue or self.telling or waits)

    @property
    def taken(self) -> bool:
        """Whether there is a processor, or may be one soon."""
        return self.engine is not None or self.stale or self.running
