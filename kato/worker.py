"""The processors of this process: their turns, one at a time for each, and their durability (SPEC
8, 11).

A command waits in its processor's queue, takes its turn on the engine, and is answered once all
that it saw is as durable as it must be.  The turn ends before that, so the next one begins
meanwhile, and both go with one commit.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from secrets import token_hex
from time import perf_counter
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred, FirstError, fail, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kato.audit.interface import IAudit, NoAudit
from kato.audit.store import AuditedStore
from kato.changes import Changes, Deletion, Remembered
from kato.commands import Command, ListProcessors, Reply
from kato.commits import GroupCommit, both
from kato.deletions import DeletedProcessors
from kato.dispatch import AlreadyBegun, IProcessors
from kato.engine import Processor
from kato.engine.arrays import NUMPY, Arrays
from kato.engine.limits import MAX_EVENTS, MAX_MODELS
from kato.engine.matchers import Provider, best_provider
from kato.errors import (
    KatoError,
    LimitReached,
    ProcessorNotFound,
    ProcessorUnavailable,
    StorageUnavailable,
    TooManyRequests,
)
from kato.events import Listener, Subscribed, Wish
from kato.fields import shown
from kato.genes import Genes
from kato.hub import Hub
from kato.indexing import Indexing
from kato.limits import Limits
from kato.long_turns import LongTurns
from kato.publishing import Publishing
from kato.questions import questions_of
from kato.restoring import Restored, Restorer
from kato.sizes import Size
from kato.slots import Ask, Slot
from kato.storage.interface import IStore
from kato.tenure import Tenure, Whole
from kato.timing import TimedTurn, TurnTimes
from kato.turn import Outcome, is_long, take_turn

InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function off the reactor; fires with what it returns."""

_REST = 0.005
"""Seconds after which is looked again whether a processor rests."""

_LONG_FAREWELL = 1_000
"""An engine with more models than this is let go of in a thread: freeing it takes a while."""


@implementer(IProcessors)
class Worker:
    """Provides L{IProcessors} in this process."""

    log = Logger()

    def __init__(
        self,
        store: IStore,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        genes: Genes | None = None,
        names: Mapping[str, str] | None = None,
        max_processors: int = 1000,
        max_events: int = MAX_EVENTS,
        max_models: int = MAX_MODELS,
        max_waiting: int = Limits().waiting,
        checkpoint: float = 5.0,
        make_id: Callable[[], str] = lambda: str(uuid4()),
        make_epoch: Callable[[], str] = lambda: token_hex(8),
        matcher: Provider | None = None,
        arrays: Arrays = NUMPY,
        held_changed: Callable[[], None] = lambda: None,
        tenure: Tenure | None = None,
        audit: IAudit | None = None,
        long_turns: LongTurns | None = None,
    ) -> None:
        """
        @param store: an open store.
        @param genes: those of new processors.
        @param names: what people call some processors, by id.
        @param max_waiting: how many commands may wait for one processor.
        @param checkpoint: seconds until an observation is durable; 0: before it is answered.
        @param make_epoch: makes names of histories of events, none of them ever twice.
        @param matcher: who holds the models of processors; the best there is, where it is not said.
        @param arrays: where many vectors are compared.
        @param held_changed: is told when L{held} may have changed.
        @param tenure: which processors are this worker's; all of them, where it is not said.
        @param audit: keeps what processors do; nobody does, where it is not said.
        @param long_turns: takes turns in a thread; without a cache, where it is not said.
        """
        self._matcher = matcher or best_provider()
        self._store = store if audit is None else AuditedStore(store, audit)
        self._audit: IAudit = audit or NoAudit()
        self._audit.watch(self._not_kept)
        self._tenure = tenure or Whole()
        self._clock = clock
        self._in_thread = in_thread
        self._long_turns = long_turns or LongTurns(in_thread)
        self._genes = genes or Genes()
        self._names = names or {}
        self._arrays = arrays
        self._restore = Restorer(
            max_events=max_events,
            max_models=max_models,
            names=self._names,
            matcher=self._matcher,
            arrays=arrays,
            fingerprinted=self._long_turns.is_cached,
        )
        self._indexing = Indexing(self._store, in_thread=in_thread)
        self._max_processors = max_processors
        self._max_events = max_events
        self._max_models = max_models
        self._max_waiting = max_waiting
        self._checkpoint = checkpoint
        self._make_id = make_id
        self.held_changed = held_changed
        self._slots: dict[str, Slot] = {}
        self._deletions = DeletedProcessors()
        self._commits = GroupCommit(self._store, drain=self._drain, roll_back=self._roll_back)
        self._publishing = Publishing(
            clock=clock,
            long_turns=self._long_turns,
            make_epoch=make_epoch,
            pending=self._commits.pending,
            free=self._pump,
        )
        self._checkpoints = LoopingCall(self._save_all)
        self._checkpoints.clock = clock
        self._opened: Deferred[None] = Deferred()
        self.ready = False
        self.times = TurnTimes()
        """How long turns took."""

    # Starting and stopping

    async def start(self) -> None:
        """Load all processors; commands that come meanwhile wait for theirs, and all of them until
        it is known which there are.

        @raise StorageUnavailable: where the store cannot be read.
        """
        stored: Sequence[str] = ()
        if not self._tenure.shared:
            self._deletions.load(await self._store.deletions())
            stored = await self._store.processors()
            self._audit.stored(stored)
        loading = [self._load(self._slot(processor)) for processor in stored]
        self._opened.callback(None)
        self.held_changed()
        for slot in list(self._slots.values()):
            self._pump(slot)
        await gatherResults(loading)
        self.log.info("{number} processors loaded", number=len(stored))
        if self._checkpoint:
            self._checkpoints.start(self._checkpoint, now=False).addErrback(self._defect)
        self.ready = True

    async def stop(self) -> None:
        """Make all durable; nobody asks any more."""
        self.ready = False
        if self._checkpoints.running:
            self._checkpoints.stop()
        await self._save_all()

    async def keep_indexes(self) -> None:
        """Have an index kept where there are many models and none of them, so that the next start
        is fast; what fails is logged.  For when all is durable and nobody asks any more."""
        await self._indexing.keep_missing(
            list(self._slots.values()), at_rest=self._at_rest, free=self._pump
        )

    def _at_rest(self, slot: Slot) -> bool:
        """Whether nothing happens to an engine, and its models are stored as they are: a turn that
        changes them has its commit requested before it is over."""
        busy = slot.running or slot.loading is not None
        return not busy and not self._commits.is_pending(slot.id)

    def _save_all(self) -> "Deferred[None]":
        """Make everything durable that is not; a failure is logged where it happens."""
        unsaved = [slot for slot in self._slots.values() if slot.dirty and not slot.changing]
        return gatherResults(map(self._save, unsaved)).addCallback(lambda _: None)

    def _save(self, slot: Slot) -> "Deferred[None]":
        saved = self._publishing.hub.saving(slot.id)
        return self._commits.request(slot.id).addCallbacks(lambda _: saved(), lambda _: None)

    def _defect(self, failure: Failure) -> None:
        self.log.failure("defect in the worker", failure=failure)

    # Asking

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Carry out a command when its processor's turn comes."""
        if command.processor is None:
            return self._ask_server(command)
        slot = self._slot(command.processor)
        if len(slot.queue) >= self._max_waiting:
            return fail(
                TooManyRequests(
                    f"{self._max_waiting:,} requests wait for processor {slot.id} already",
                    retry_after=1,
                )
            )
        ask = Ask(command, partial(self._cancelled, slot), self._tenure.seal)
        slot.queue.append(ask)
        self._pump(slot)
        return ask.answer

    def _cancelled(self, slot: Slot, ask: Ask) -> None:
        ask.given_up = True
        if ask.begun:
            ask.answer.errback(AlreadyBegun())
        else:
            slot.queue.remove(ask)
            self._tidy(slot)

    def sole(self, sees: Callable[[str], bool] = lambda _: True) -> str | None:
        """The only processor there is of those that are seen; C{None} where there are none, or
        several."""
        taken = (each.id for each in self._slots.values() if each.taken and sees(each.id))
        first = next(taken, None)
        return first if next(taken, None) is None else None

    def held(self) -> frozenset[str] | None:
        """The processors that are here or are being made; C{None}: that is not known yet."""
        if not self._opened.called:
            return None
        return frozenset(slot.id for slot in self._slots.values() if slot.taken)

    def _slot(self, processor: str) -> Slot:
        slot = self._slots.get(processor)
        if slot is None:
            slot = self._slots[processor] = Slot(processor)
            self.held_changed()
        return slot

    def _pump(self, slot: Slot) -> None:
        """Take turns until the queue is empty, or one goes on elsewhere."""
        if not self._opened.called or slot.held_back:
            return
        if slot.queue and slot.loading is None:
            if self._tenure.epoch(slot.id) is None:
                self._seek(slot)
            elif slot.stale:
                self._load(slot)
        while slot.queue and not (slot.running or slot.held_back) and slot.loading is None:
            ask = slot.queue.popleft()
            ask.begun, ask.epoch = True, self._tenure.epoch(slot.id)
            ask.time = self._clock.seconds()
            try:
                self._begin(slot, ask)
            except KatoError as error:
                ask.settle(error)
            except Exception:
                ask.settle(Failure())
        self._tidy(slot)

    def _tidy(self, slot: Slot) -> None:
        if slot.vacant and self._slots.get(slot.id) is slot:
            del self._slots[slot.id]
            self._tenure.forget(slot.id, deleted=False)
            self.held_changed()

    def _begin(self, slot: Slot, ask: Ask) -> None:
        self._tenure.check()
        command = ask.command
        self._audit.check(command)
        if command.operation == "delete_processor":
            self._delete(slot, ask)
            return
        created = slot.engine is None
        engine = self._engine(slot, command)
        turn = partial(
            take_turn,
            engine,
            command,
            now=ask.time,
            make_id=self._make_id,
            created=created,
        )
        if not is_long(engine, command):
            began = perf_counter()
            outcome = _outcome(turn)
            self.times.on_reactor(command.operation, perf_counter() - began)
            self._end(outcome, slot, ask, engine, slot.generation)
            return
        if command.row.changes:
            self._commits.drain_now(slot.id)
            slot.changing = True
        slot.running = True
        timed = TimedTurn(turn)
        taken = self._long_turns.take(engine, questions_of(command), timed)
        taken.addBoth(self._ended, timed, slot, ask, engine, slot.generation)

    def _engine(self, slot: Slot, command: Command) -> Processor:
        """The engine of a slot; a new one, not yet in its place, where the command may make it."""
        if slot.engine is not None:
            return slot.engine
        if not command.row.creates:
            raise ProcessorNotFound(f"processor: there is no {shown(slot.id)}")
        if sum(each.taken for each in self._slots.values()) >= self._max_processors:
            raise LimitReached(
                f"processor: {shown(slot.id)} would be one more than the "
                f"{self._max_processors} processors allowed"
            )
        made = Processor(
            slot.id,
            genes=self._genes,
            name=self._names.get(slot.id),
            max_events=self._max_events,
            max_models=self._max_models,
            matcher=self._matcher.make,
            arrays=self._arrays,
            fingerprinted=self._long_turns.is_cached,
        )
        made.revision = self._audit.begun(slot.id)
        return made

    def _ended(
        self,
        result: Outcome | Failure,
        timed: TimedTurn,
        slot: Slot,
        ask: Ask,
        engine: Processor,
        generation: int,
    ) -> None:
        """A turn that was taken in a thread is over."""
        self.times.in_thread(ask.command.operation, timed.seconds)
        slot.running = slot.changing = False
        self._end(result, slot, ask, engine, generation)
        self._publishing.foresight.between_turns(slot)
        self._pump(slot)

    def _end(
        self, result: Outcome | Failure, slot: Slot, ask: Ask, engine: Processor, generation: int
    ) -> None:
        if generation != slot.generation:
            ask.settle(_not_done())
        elif isinstance(result, Failure):
            if slot.engine is engine and not result.check(KatoError):
                self._roll_back(slot.id, defect=True)
                self._commits.give_up(
                    slot.id, StorageUnavailable("a defect came between: not done", retry_after=1)
                )
            ask.settle(result)
        else:
            created, slot.engine = slot.engine is None, engine
            slot.dirty = slot.dirty or result.changed
            kept = self._audit.carried_out(ask, engine, result, created=created)
            self._tell_when_durable(self._durability(slot, result, kept), slot, ask, result)

    def _durability(self, slot: Slot, outcome: Outcome, kept: bool) -> "Deferred[None] | None":
        """When all that a turn did and saw is durable; C{None}: it need not be, or is.

        @param kept: something of it is kept in the audit log, which a commit makes durable, too.
        """
        if outcome.durable or (outcome.changed and not self._checkpoint):
            return self._commits.request(slot.id)
        pending = self._commits.pending(slot.id)
        return both(pending, self._audit.pending()) if kept else pending

    # Telling

    def _tell_when_durable(
        self, durable: "Deferred[None] | None", slot: Slot, ask: Ask, outcome: Outcome
    ) -> None:
        """Tell what a turn did, then answer, both once all that it did and saw is durable."""
        if durable is None and not slot.telling:
            self._tell(slot, slot.generation, ask, outcome)
        else:
            how = self._tell if durable is not None else self._tell_seen
            tell = partial(how, slot, slot.generation, ask, outcome)
            slot.telling.add(durable, tell, partial(self._not_told, slot, ask))

    def _tell(self, slot: Slot, generation: int, ask: Ask, outcome: Outcome) -> None:
        if outcome.changed and generation == slot.generation:
            durable = outcome.durable or not self._checkpoint
            self._publishing.tell(slot, outcome, durable=durable)
        ask.settle(outcome.reply)

    def _tell_seen(self, slot: Slot, generation: int, ask: Ask, outcome: Outcome) -> None:
        """Tell what had only others to wait for, unless they failed: it saw what is void now."""
        if generation == slot.generation:
            self._tell(slot, generation, ask, outcome)
        else:
            ask.settle(_not_done())
            self._tidy(slot)

    def _not_told(self, slot: Slot, ask: Ask, failure: Failure) -> None:
        ask.settle(failure)
        if ask.command.operation == "delete_processor" and slot.held_back:
            self._go_on(None, slot)
        else:
            self._tidy(slot)

    def _tell_deleted(self, slot: Slot, ask: Ask, reply: Reply) -> None:
        self._publishing.tell_deleted(slot, reply.time_stamp)
        self._audit.deleted(slot.id)
        ask.settle(reply)
        self._tenure.forget(slot.id, deleted=True)
        if slot.held_back:
            self._go_on(None, slot)
        else:
            self._tidy(slot)

    @property
    def hub(self) -> Hub:
        """Where all events come from."""
        return self._publishing.hub

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}, of a processor that exists, or of them all."""
        return Deferred.fromCoroutine(self._subscribe(wish, listener))

    async def _subscribe(self, wish: Wish, listener: Listener) -> Subscribed:
        await _beside(self._opened)
        slot = None if wish.processor is None else await self._existing(wish.processor)
        return self._publishing.subscribe(wish, slot, listener)

    async def _existing(self, processor: str) -> Slot:
        """The place of a processor, once it is known whether there is one.

        @raise ProcessorNotFound: where there is none.
        """
        slot = self._slots.get(processor)
        if self._tenure.epoch(processor) is None:
            await self._tenure.obtain(processor, creates=False)
            self.take(processor)
            slot = self._slots.get(processor)
        if slot is not None and slot.stale and slot.loading is None:
            self._load(slot)
        while slot is not None and slot.loading is not None:
            await _beside(slot.loading)
        if slot is not None and slot.stale:
            raise StorageUnavailable(
                f"processor: {shown(processor)} cannot be loaded now", retry_after=1
            )
        if slot is None or slot.engine is None:
            raise ProcessorNotFound(f"processor: there is no {shown(processor)}")
        return slot

    # Deleting

    def _delete(self, slot: Slot, ask: Ask) -> None:
        command, now = ask.command, self._clock.seconds()
        known = self._deletions.find(command)
        if known is not None:
            told = partial(ask.settle, _deleted_before(command, known))
            slot.telling.add(self._commits.pending(slot.id), told, ask.settle)
            return
        if self._tenure.shared and command.request_id is not None and not ask.known_new:
            self._recall(slot, ask)
            return
        if slot.engine is None:
            raise ProcessorNotFound(f"processor: there is no {shown(slot.id)}")
        self._audit.deleting(ask, slot.engine)
        engine, slot.engine, slot.dirty = slot.engine, None, False
        request = self._deletions.remember(command, engine.interval, now)
        reply = _deleted(command, engine.interval, now)
        slot.owed_since = None
        if engine.models > _LONG_FAREWELL:
            self._in_thread(partial(_farewell, [engine]))
        del engine
        durable = self._commits.delete(Deletion(slot.id, request))
        durable.addErrback(self._undelete, slot.id, request)
        tell = partial(self._tell_deleted, slot, ask, reply)
        slot.held_back = self._tenure.shared
        slot.telling.add(durable, tell, partial(self._not_told, slot, ask))

    def _recall(self, slot: Slot, ask: Ask) -> None:
        """Find out whether another service has carried out a deletion before."""
        assert ask.command.request_id is not None
        slot.held_back = True
        recalled = self._tenure.deletion(slot.id, ask.command.request_id)
        done = recalled.addCallback(self._recalled, slot, ask).addErrback(ask.settle)
        done.addCallback(self._go_on, slot)

    def _recalled(self, known: Remembered | None, slot: Slot, ask: Ask) -> None:
        if known is None:
            ask.known_new, ask.begun = True, False
            slot.queue.appendleft(ask)
        else:
            ask.settle(_deleted_before(ask.command, known))

    def _go_on(self, _: None, slot: Slot) -> None:
        slot.held_back = False
        self._pump(slot)

    def _undelete(self, failure: Failure, processor: str, request: Remembered | None) -> Failure:
        if request is not None:
            self._deletions.forget(processor, request)
        return failure

    # Durability

    def _drain(self, processor: str) -> Changes | None:
        slot = self._slots.get(processor)
        if slot is None or slot.engine is None:
            return None
        slot.dirty = False
        changes = slot.engine.drain()
        slot.indexed = slot.indexed and not changes.touches_models
        return changes

    def _not_kept(self, processors: Collection[str], error: KatoError) -> None:
        """The audit log does not tell what these did: it is void."""
        for processor in processors:
            self._commits.give_up(processor, error)
            self._roll_back(processor, defect=True)

    def _roll_back(self, processor: str, *, defect: bool = False) -> None:
        """Throw an engine away, and load what is durable before the next turn."""
        slot = self._slot(processor)
        slot.generation += 1
        slot.engine = None
        slot.dirty = False
        self._publishing.roll_back(slot, defect=defect)
        if self._tenure.epoch(processor) is None:
            self.let_go(processor)
        else:
            self._load(slot)

    # Where other services have processors, too

    def _seek(self, slot: Slot) -> None:
        """Come to hold a processor that is asked for, or tell who asks why not."""
        seeking: Deferred[None] = Deferred()
        slot.loading = seeking
        creates = any(each.command.row.creates for each in slot.queue)
        sought = self._tenure.obtain(slot.id, creates=creates)
        sought.addCallbacks(
            self._obtained, self._not_obtained, (slot, seeking), {}, (slot, seeking, creates)
        )

    def _obtained(self, _: None, slot: Slot, seeking: "Deferred[None]") -> None:
        if slot.loading is seeking:
            self._load(slot)
        seeking.callback(None)

    def _not_obtained(
        self, failure: Failure, slot: Slot, seeking: "Deferred[None]", creates: bool
    ) -> None:
        """All who wait are told, but those who came meanwhile and may create it; a deletion may
        have been carried out before."""
        if slot.loading is seeking and self._tenure.epoch(slot.id) is not None:
            self._obtained(None, slot, seeking)
            return
        seeking.callback(None)
        if slot.loading is not seeking:
            return
        slot.loading = None
        missing = failure.check(ProcessorNotFound) is not None
        waiting, slot.queue = slot.queue, deque()
        for ask in waiting:
            if missing and not creates and ask.command.row.creates:
                slot.queue.append(ask)
            elif missing and ask.command.operation == "delete_processor" and ask.command.request_id:
                self._recall_alone(slot, ask, failure)
            else:
                ask.settle(failure)
        self._pump(slot)
        self._tidy(slot)

    def _recall_alone(self, slot: Slot, ask: Ask, missing: Failure) -> None:
        assert ask.command.request_id is not None

        def recalled(known: Remembered | None) -> None:
            if known is None:
                ask.settle(missing)
            else:
                ask.settle(_deleted_before(ask.command, known))

        ask.begun = True
        looked = self._tenure.deletion(slot.id, ask.command.request_id)
        looked.addCallback(recalled).addErrback(ask.settle)

    def take(self, processor: str) -> None:
        """A processor is this worker's now: it is loaded, and its turns go on."""
        slot = self._slot(processor)
        if slot.engine is None and not slot.stale and slot.loading is None:
            self._load(slot)

    def let_go(self, processor: str) -> None:
        """A processor is not this worker's any more: what is known of it is void, and who waits is
        told whose it is."""
        slot = self._slots.get(processor)
        if slot is None:
            return
        slot.generation += 1
        slot.engine, slot.loading = None, None
        slot.dirty = slot.stale = slot.held_back = False
        slot.owed_since, slot.announced = None, False
        self._publishing.hub.depart(processor)
        self._audit.let_go(processor)
        self._commits.give_up(processor, ProcessorUnavailable("the processor has moved: not done"))
        self._pump(slot)
        self._tidy(slot)

    async def rest(self, processor: str) -> None:
        """Have a processor take no more turns, until L{go_on} or L{let_go}; fires when all that it
        did is durable, and told."""
        slot = self._slot(processor)
        slot.held_back = True
        while not self._rests(slot):
            if slot.loading is not None:
                await _beside(slot.loading)
            elif slot.dirty and not slot.changing:
                await self._save(slot)
            await deferLater(self._clock, _REST)

    def _rests(self, slot: Slot) -> bool:
        busy = slot.loading is not None or slot.running or slot.dirty or slot.telling
        return not busy and not self._commits.is_pending(slot.id)

    def go_on(self, processor: str) -> None:
        """A processor that rests takes turns again."""
        self._go_on(None, self._slot(processor))

    def _load(self, slot: Slot) -> "Deferred[None]":
        """Put the durable state of a processor in its place; its turns wait for that."""
        slot.stale = True
        loading: Deferred[None] = Deferred()
        slot.loading = loading
        stored = self._store.load(slot.id, self._restore)
        stored.addBoth(self._loaded, slot, loading, slot.generation)
        return loading

    def _loaded(
        self,
        result: Restored | Failure | None,
        slot: Slot,
        loading: "Deferred[None]",
        generation: int,
    ) -> None:
        if generation == slot.generation:
            slot.loading = None
            if isinstance(result, Failure):
                self._not_loaded(result, slot)
            else:
                self._take_place(slot, result)
            self._pump(slot)
        loading.callback(None)

    def _take_place(self, slot: Slot, restored: Restored | None) -> None:
        """Before its turns go on: an index is of the models as they were loaded."""
        slot.stale = False
        epoch = self._tenure.epoch(slot.id)
        if epoch is not None:  # else it is loaded again when it is held again
            self._audit.loaded(slot.id, None if restored is None else restored.engine, epoch)
        if restored is None:
            self._publishing.tell_gone(slot, self._clock.seconds())
            return
        slot.announced = True
        slot.engine, slot.indexed = restored.engine, restored.from_index
        if restored.new_index is not None:
            self._indexing.keep(slot, restored.new_index)

    def _not_loaded(self, failure: Failure, slot: Slot) -> None:
        """Who waits is told; who asks later makes it be tried again."""
        self.log.error(
            "processor {processor} cannot be loaded: {error}",
            processor=slot.id,
            error=failure.value,
        )
        waiting, slot.queue = slot.queue, deque()
        for ask in waiting:
            ask.settle(failure)

    # The server itself

    def _ask_server(self, command: Command) -> "Deferred[Reply]":
        if isinstance(command.params, ListProcessors):
            return Deferred.fromCoroutine(self._list(command, command.params))
        return succeed(Reply(command.row.message, self._clock.seconds()))

    async def _list(self, command: Command, params: ListProcessors) -> Reply:
        """Tell the processors there are; what is told of them is durable when it is told."""
        await _beside(self._opened)
        for slot in list(self._slots.values()):
            if slot.loading is not None:
                await _beside(slot.loading)
        existing = sorted(
            (slot.id, slot.engine) for slot in self._slots.values() if slot.engine is not None
        )
        later = [each for each in existing if params.after is None or each[0] > params.after]
        page = later[: params.limit]
        fields = {
            "processors": [_line(engine) for _, engine in page],
            "total": len(existing),
            "next": page[-1][0] if len(page) < len(later) else None,
        }
        pending = [self._commits.pending(processor) for processor, _ in page]
        if self._audit.listed(command, self._clock.seconds()):
            pending.append(self._audit.pending())
        await self._all_durable(filter(None, pending))
        return Reply(command.row.message, self._clock.seconds(), fields)

    async def _all_durable(self, pending: "Iterable[Deferred[None]]") -> None:
        """Wait for commits.

        @raise KatoError: where one of them fails.
        """
        try:
            await gatherResults(pending, consumeErrors=True)
        except FirstError as first:
            first.subFailure.raiseException()

    @property
    def commits(self) -> GroupCommit:
        """What makes changes durable."""
        return self._commits

    @property
    def long_turns(self) -> LongTurns:
        """What takes turns in a thread."""
        return self._long_turns

    def sizes(self) -> list[Size]:
        """How large the processors are, in no order."""
        measured = (slot.measured() for slot in self._slots.values())
        return [each for each in measured if each is not None]

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of the processors, their store, and their cache, if there is one."""
        cache = self._long_turns.statistics()
        return {
            "processors": sum(slot.engine is not None for slot in self._slots.values()),
            "waiting": sum(len(slot.queue) for slot in self._slots.values()),
            "running": sum(slot.running for slot in self._slots.values()),
            "matcher": self._matcher.kind,
            "events": self._publishing.hub.statistics(),
            "store": self._store.statistics(),
            **self._audit.statistics(),
            **({} if cache is None else {"cache": cache}),
        }


def _beside(waited: "Deferred[None]") -> "Deferred[None]":
    """Fires when C{waited} does; who gives it up leaves that alone, for others wait for it, too."""
    beside: Deferred[None] = Deferred()

    def pass_on(result: None) -> None:
        beside.callback(result)

    waited.addCallback(pass_on)
    return beside


def _outcome(turn: Callable[[], Outcome]) -> Outcome | Failure:
    try:
        return turn()
    except Exception:
        return Failure()


def _not_done() -> StorageUnavailable:
    return StorageUnavailable("nothing can be stored now: not done", retry_after=1)


def _line(engine: Processor) -> dict[str, Any]:
    """A processor as C{list_processors} tells it; C{service} is who holds it: this process."""
    start, end = engine.window
    return {"id": engine.id, "models": engine.models, "events": end - start, "service": "local"}


def _deleted(command: Command, interval: int, time_stamp: float) -> Reply:
    return Reply(command.row.message, time_stamp, processor=command.processor, interval=interval)


def _deleted_before(command: Command, known: Remembered) -> Reply:
    """The answer that was given the first time."""
    return _deleted(command, known.interval, known.time_stamp)


def _farewell(engines: list[Processor]) -> None:
    """Free what only this list still holds."""
    engines.clear()
