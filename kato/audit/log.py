"""The audit log of the processors of this process (docs/audit.md)."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from kato import __version__
from kato.audit.files import LogFiles
from kato.audit.interface import IAudit
from kato.audit.lines import Creation, Done, Entry, Event, Forgotten, changes
from kato.audit.writer import InThread, Writer
from kato.commands import Command, ObserveSequence
from kato.engine import Processor
from kato.errors import KatoError, StorageUnavailable
from kato.genes import Genes
from kato.slots import Ask
from kato.turn import Outcome

_PAUSE = 1.0
"""Seconds after a failure in which nothing is tried: each try may cost a processor its loading."""

_TELLING = 3600.0
"""Seconds after which the log of the service tells again where the audit log ends."""


@implementer(IAudit)
class AuditLog:
    """Provides L{IAudit} in files."""

    log = Logger()

    def __init__(
        self,
        files: LogFiles,
        *,
        clock: IReactorTime,
        writing: InThread,
        syncing: InThread,
        genes: Genes,
        reads: bool = False,
    ) -> None:
        """
        @param files: open ones.
        @param writing: the thread that writes; C{syncing} is another, that syncs.
        @param genes: those of new processors.
        @param reads: whether what only reads is kept, too.
        """
        self._files = files
        self._clock = clock
        self._genes = genes
        self._reads = reads
        self._writer = Writer(
            files, clock=clock, writing=writing, syncing=syncing, failed=self._not_kept
        )
        self._revisions = dict(files.revisions)
        self._unsaid: dict[str, Event] = {}
        """What a processor was restored to, where that could not be kept."""
        self._deleting: dict[str, int] = {}
        self._failed: Callable[[Collection[str], KatoError], None] = lambda processors, error: None
        self._rests_until = 0.0
        self._why: StorageUnavailable | None = None
        self._telling = LoopingCall(self._tell_head)
        self._telling.clock = clock

    def watch(self, failed: Callable[[Collection[str], KatoError], None]) -> None:
        """Have C{failed} told of whom something could not be kept."""
        self._failed = failed

    # Beginning and ending

    def begin(self, cut: int, store: str) -> None:
        """Tell that a service begins.

        @param cut: how many bytes of a line that was not whole were cut off.
        @param store: the kind of its store.
        """
        more = {"version": __version__, "store": store, **({"cut": cut} if cut else {})}
        self._writer.add(Event("opened", self._clock.seconds(), more=more))
        if cut:
            self.log.warn(
                "the last line of the audit log was not whole: {cut} bytes cut off", cut=cut
            )
        self._telling.start(_TELLING, now=False).addErrback(self._defect)

    async def end(self) -> None:
        """Tell that the service ends, and let go of the files.  For when nobody asks any more."""
        if self._telling.running:
            self._telling.stop()
        self._say_unsaid()
        self._writer.add(Event("closed", self._clock.seconds()))
        try:
            await self._writer.synced()
            self._tell_head()
        finally:
            self._files.close()

    def _tell_head(self) -> None:
        head = self._files.head
        self.log.info(
            "the audit log has {number} lines; its head is {head}",
            number=head.lines,
            head=head.digest,
        )

    def statistics(self) -> dict[str, Any]:
        """Where the log ends, as it is written, and how often it could not be."""
        head, failures = self._files.head, self._writer.failures
        return {"audit": {"lines": head.lines, "head": head.digest, "failures": failures}}

    def _defect(self, failure: object) -> None:
        self.log.error("defect in the audit log: {failure}", failure=failure)

    # What is told

    def stored(self, processors: Collection[str]) -> None:
        """What the log tells of, and is not there, was never made durable, or deleted last."""
        for processor in sorted(self._revisions.keys() - processors):
            if processor in self._files.ended:
                self.let_go(processor)
            else:
                self.loaded(processor, None, 0)

    def loaded(self, processor: str, engine: Processor | None, epoch: int) -> None:
        """Keep what a processor is, wherever the log says anything else, and always where others
        may have had it meanwhile."""
        self._unsaid.pop(processor, None)
        known = self._revisions.get(processor)
        revision = None if engine is None else engine.revision
        if revision == known and not epoch:
            return
        is_known = revision is None or (known is not None and revision <= known)
        self._add(
            Event(
                "restored" if is_known else "adopted",
                self._clock.seconds(),
                processor,
                revision,
                None if engine is None else engine.interval,
                epoch or None,
            )
        )

    def let_go(self, processor: str) -> None:
        """What it comes back as will be kept then."""
        self._unsaid.pop(processor, None)
        revision = self._revisions.pop(processor, None)
        if revision is not None:
            self._writer.add(Forgotten(processor, revision))

    def check(self, command: Command) -> None:
        """For a moment after a failure nothing is tried."""
        if self._why is not None and (command.row.changes or self._reads):
            if self._clock.seconds() < self._rests_until:
                why = self._why  # one that is raised again holds on to all who were told before
                raise StorageUnavailable(why.message, retry_after=why.retry_after)
            self._why = None

    def begun(self, processor: str) -> int:
        """After a deletion that may fail, revisions go on, so that no two are alike."""
        return self._revisions.get(processor, 0)

    def carried_out(self, ask: Ask, engine: Processor, outcome: Outcome, *, created: bool) -> bool:
        """Keep what changed anything, and what read, if that is wanted."""
        if not (outcome.changed or self._reads):
            return False
        window = engine.window
        fields = outcome.reply.fields
        self._say_unsaid()
        self._add(
            Done(
                ask.command,
                ask.time,
                engine.id,
                engine.revision,
                engine.interval,
                window.end - window.start,
                fields,
                ask.epoch or None,
                _made(ask.command, engine) if outcome.changed else None,
                Creation(engine.name, self._genes) if created else None,
                not outcome.changed,
            )
        )
        return True

    def deleting(self, ask: Ask, engine: Processor) -> None:
        """Keep that a processor is deleted, as its last revision."""
        self._say_unsaid()
        revision = engine.revision + 1
        self._deleting[engine.id] = revision
        self._add(
            Done(
                ask.command,
                ask.time,
                engine.id,
                revision,
                engine.interval,
                epoch=ask.epoch or None,
            )
        )

    def deleted(self, processor: str) -> None:
        """Forget what a processor was, unless there is a new one already."""
        revision = self._deleting.pop(processor, None)
        if revision is not None and self._revisions.get(processor) == revision:
            del self._revisions[processor]
            self._writer.add(Forgotten(processor, revision))

    def listed(self, command: Command, now: float) -> bool:
        """Keep that processors were listed, if that is wanted."""
        if self._reads:
            self._writer.add(Done(command, now, None, read=True))
        return self._reads

    def _say_unsaid(self) -> None:
        if self._unsaid:
            unsaid, self._unsaid = self._unsaid, {}
            for event in unsaid.values():
                self._add(event)

    def _add(self, entry: Done | Event) -> None:
        if entry.processor is not None and not entry.read:
            if entry.revision is None:
                self._revisions.pop(entry.processor, None)
            else:
                self._revisions[entry.processor] = entry.revision
        self._writer.add(entry)

    # When it is kept

    def pending(self) -> "Deferred[None] | None":
        """When all is written that was told so far."""
        return self._writer.pending()

    def synced(self) -> "Deferred[None]":
        """See that all that was told so far survives a loss of power."""
        return Deferred.fromCoroutine(self._writer.synced())

    def _not_kept(self, entries: Sequence[Entry], error: StorageUnavailable) -> None:
        """What the files know is what was kept."""
        self._why = error
        self._rests_until = self._clock.seconds() + _PAUSE
        self._revisions = dict(self._files.revisions)
        void = sorted({each.processor or "" for each in entries if changes(each)})
        for each in entries:
            if isinstance(each, Event) and each.processor is not None:
                self._unsaid[each.processor] = each
        self._failed(void, error)


def _made(command: Command, engine: Processor) -> str | None:
    """The id that was made for the last observation of a sequence; no answer tells it."""
    if not isinstance(command.params, ObserveSequence):
        return None
    observation = engine.percept.observation
    return None if observation is None else observation.unique_id
