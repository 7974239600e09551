"""What was only observed is made durable, too, every few seconds and at the end (SPEC 11)."""

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.ground import Ground
from kato.slots import Slot


class Saving:
    """Has all that is not durable made so; a failure is logged where it happens."""

    log = Logger()

    def __init__(self, ground: Ground, *, checkpoint: float) -> None:
        """@param checkpoint: seconds from one time to the next; 0: nothing ever waits for it."""
        self._slots = ground.slots
        self._commits = ground.commits
        self._hub = ground.publishing.hub
        self._checkpoint = checkpoint
        self._loop = LoopingCall(self.save_all)
        self._loop.clock = ground.clock

    def start(self) -> None:
        """Begin with it, unless nothing ever waits for it."""
        if self._checkpoint:
            self._loop.start(self._checkpoint, now=False).addErrback(self._defect)

    def stop(self) -> None:
        """End it; what is not durable by then is not made so."""
        if self._loop.running:
            self._loop.stop()

    def save_all(self) -> "Deferred[None]":
        """Make everything durable that is not."""
        unsaved = [slot for slot in self._slots if slot.dirty and not slot.changing]
        return gatherResults(map(self.save, unsaved)).addCallback(lambda _: None)

    def save(self, slot: Slot) -> "Deferred[None]":
        """Make what one processor did durable; fires when it is, or cannot be."""
        saved = self._hub.saving(slot.id)
        return self._commits.request(slot.id).addCallbacks(lambda _: saved(), lambda _: None)

    def at_rest(self, slot: Slot) -> bool:
        """Whether nothing happens to an engine, and its models are stored as they are: a turn that
        changes them has its commit requested before it is over."""
        busy = slot.running or slot.loading is not None
        return not busy and not self._commits.is_pending(slot.id)

    def _defect(self, failure: Failure) -> None:
        self.log.failure("defect in the worker", failure=failure)
