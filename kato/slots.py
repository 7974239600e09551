"""The places of processors in the worker, each with its engine, and the commands that wait for a
turn on it."""

from collections import deque
from collections.abc import Callable, Iterator

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.changes import Changes
from kato.commands import Command, Reply
from kato.engine import Processor
from kato.errors import KatoError, bare
from kato.sizes import Size
from kato.telling import Telling
from kato.tenure import Result, Tenure


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
            self.answer.errback(bare(sealed) if isinstance(sealed, KatoError) else sealed)


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

    def drain(self) -> Changes | None:
        """What changed since this was asked last; C{None} where there is no processor."""
        if self.engine is None:
            return None
        self.dirty = False
        changes = self.engine.drain()
        self.indexed = self.indexed and not changes.touches_models
        return changes

    @property
    def vacant(self) -> bool:
        """Whether there is nothing here to keep."""
        waits = self.loading is not None or self.held_back
        return not (self.taken or self.queue or self.telling or waits)

    @property
    def taken(self) -> bool:
        """Whether there is a processor, or may be one soon."""
        return self.engine is not None or self.stale or self.running


class Slots:
    """The places of all processors that are here, or that somebody asks for."""

    def __init__(self, tenure: Tenure, *, changed: Callable[[], None]) -> None:
        """
        @param tenure: is told of places that are given up.
        @param changed: is told when L{held} may have changed.
        """
        self._tenure = tenure
        self._changed = changed
        self._slots: dict[str, Slot] = {}
        self._opened: Deferred[None] = Deferred()
        self.is_open = False
        """Whether it is known which processors are stored."""

    def __iter__(self) -> Iterator[Slot]:
        """All of them, whatever comes or goes meanwhile."""
        return iter(list(self._slots.values()))

    def find(self, processor: str) -> Slot | None:
        """The place of a processor, if it has one."""
        return self._slots.get(processor)

    def at(self, processor: str) -> Slot:
        """The place of a processor, made where it has none."""
        slot = self._slots.get(processor)
        if slot is None:
            slot = self._slots[processor] = Slot(processor)
            self._changed()
        return slot

    def tidy(self, slot: Slot) -> None:
        """Give a place up where there is nothing to keep in it."""
        if slot.vacant and self._slots.get(slot.id) is slot:
            del self._slots[slot.id]
            self._tenure.forget(slot.id, deleted=False)
            self._changed()

    def drain(self, processor: str) -> Changes | None:
        """What changed in a processor since this was asked last; C{None} where it is gone."""
        slot = self._slots.get(processor)
        return None if slot is None else slot.drain()

    # Which there are

    def open(self) -> None:
        """From now on it is known which processors are stored: each has its place."""
        self.is_open = True
        self._opened.callback(None)
        self._changed()

    def opened(self) -> "Deferred[None]":
        """Fires when that is known; who gives it up disturbs nobody else."""
        return beside(self._opened)

    def sole(self, sees: Callable[[str], bool]) -> str | None:
        """The only processor there is of those that are seen; C{None} where there are none, or
        several."""
        taken = (each.id for each in self._slots.values() if each.taken and sees(each.id))
        first = next(taken, None)
        return first if next(taken, None) is None else None

    def held(self) -> frozenset[str] | None:
        """The processors that are here or are being made; C{None}: that is not known yet."""
        if not self.is_open:
            return None
        return frozenset(slot.id for slot in self._slots.values() if slot.taken)

    def taken(self) -> int:
        """How many processors there are, or may be soon."""
        return sum(slot.taken for slot in self._slots.values())

    def statistics(self) -> dict[str, int]:
        """What C{/stats} tells of processors, and of commands that wait for them."""
        slots = self._slots.values()
        return {
            "processors": sum(slot.engine is not None for slot in slots),
            "waiting": sum(len(slot.queue) for slot in slots),
            "running": sum(slot.running for slot in slots),
        }


def beside(waited: "Deferred[None]") -> "Deferred[None]":
    """Fires when C{waited} does; who gives it up leaves that alone, for others wait for it, too."""
    beside: Deferred[None] = Deferred()

    def pass_on(result: None) -> None:
        beside.callback(result)

    waited.addCallback(pass_on)
    return beside
