"""The processors of this process, and all that makes them so (SPEC 8, 11).

Each part has its module; here they are joined, started and stopped in order, and asked.
"""

from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from kato.answering import Answering
from kato.audit.interface import IAudit, NoAudit
from kato.audit.store import AuditedStore
from kato.commands import Command, ListProcessors, Reply
from kato.commits import GroupCommit
from kato.deleting import Deleting
from kato.dispatch import IProcessors
from kato.engines import Engines
from kato.events import Listener, Subscribed, Wish
from kato.ground import Ground
from kato.hub import Hub
from kato.indexing import Indexing
from kato.inventory import Inventory
from kato.limits import Limits
from kato.loading import Loading
from kato.long_turns import LongTurns
from kato.saving import Saving
from kato.sharing import Sharing
from kato.sizes import Size
from kato.slots import Slot
from kato.storage.interface import IStore
from kato.tenure import Tenure, Whole
from kato.threads import InThread
from kato.timing import TurnTimes
from kato.turns import Turns


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
        engines: Engines | None = None,
        tenure: Tenure | None = None,
        audit: IAudit | None = None,
        long_turns: LongTurns | None = None,
        max_processors: int = 1000,
        max_waiting: int = Limits().waiting,
        checkpoint: float = 5.0,
        make_id: Callable[[], str] = lambda: str(uuid4()),
        make_epoch: Callable[[], str] = lambda: token_hex(8),
    ) -> None:
        """
        @param store: an open store.
        @param engines: makes those of processors; with defaults, where it is not said.
        @param tenure: which processors are this worker's; all of them, where it is not said.
        @param audit: keeps what processors do; nobody does, where it is not said.
        @param long_turns: takes turns in a thread; without a cache, where it is not said.
        @param max_waiting: how many commands may wait for one processor.
        @param checkpoint: seconds until an observation is durable; 0: before it is answered.
        @param make_epoch: makes names of histories of events, none of them ever twice.
        """
        self._audit: IAudit = audit or NoAudit()
        self._tenure = tenure or Whole()
        long_turns = long_turns or LongTurns(in_thread)
        self._engines = engines or Engines(fingerprinted=long_turns.is_cached)
        self._ground = ground = Ground(
            store if audit is None else AuditedStore(store, audit),
            clock=clock,
            tenure=self._tenure,
            audit=self._audit,
            long_turns=long_turns,
            make_epoch=make_epoch,
            changed=self._changed,
            roll_back=self._roll_back,
            free=self._free,
        )
        self._slots = ground.slots
        self._indexing = Indexing(ground.store, in_thread=in_thread)
        self._loading = Loading(ground, self._engines, self._indexing)
        self._saving = Saving(ground, checkpoint=checkpoint)
        self._deleting = Deleting(ground, in_thread)
        self._sharing = Sharing(
            ground, loading=self._loading, saving=self._saving, deleting=self._deleting
        )
        self._turns = Turns(
            ground,
            self._engines,
            loading=self._loading,
            deleting=self._deleting,
            sharing=self._sharing,
            answering=Answering(ground, saves_later=bool(checkpoint)),
            max_processors=max_processors,
            max_waiting=max_waiting,
            make_id=make_id,
        )
        self._inventory = Inventory(ground)
        self._audit.watch(self._loading.not_kept)
        self.held_changed: Callable[[], None] = lambda: None
        """Is called when L{held} may have changed."""
        self.ready = False

    # What the ground is told of parts that stand on it

    def _changed(self) -> None:
        self.held_changed()

    def _roll_back(self, processor: str) -> None:
        self._loading.roll_back(processor)

    def _free(self, slot: Slot) -> None:
        self._turns.pump(slot)

    # Starting and stopping

    async def start(self) -> None:
        """Load all processors; commands that come meanwhile wait for theirs, and all of them until
        it is known which there are.

        @raise StorageUnavailable: where the store cannot be read.
        """
        stored = () if self._tenure.shared else await self._stored()
        loading = [self._loading.load(self._slots.at(processor)) for processor in stored]
        self._slots.open()
        for slot in self._slots:
            self._turns.pump(slot)
        await gatherResults(loading)
        self.log.info("{number} processors loaded", number=len(stored))
        self._saving.start()
        self.ready = True

    async def _stored(self) -> Sequence[str]:
        """Take in which processors the store has, and which deletions."""
        self._deleting.load(await self._ground.store.deletions())
        stored = await self._ground.store.processors()
        self._audit.stored(stored)
        return stored

    async def stop(self) -> None:
        """Make all durable; nobody asks any more."""
        self.ready = False
        self._saving.stop()
        await self._saving.save_all()

    async def keep_indexes(self) -> None:
        """Have an index kept where there are many models and none of them, so that the next start
        is fast; what fails is logged.  For when all is durable and nobody asks any more."""
        await self._indexing.keep_missing(
            list(self._slots), at_rest=self._saving.at_rest, free=self._turns.pump
        )

    # Asking

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Carry out a command when its processor's turn comes."""
        if command.processor is None:
            return self._ask_server(command)
        return self._turns.ask(command.processor, command)

    def _ask_server(self, command: Command) -> "Deferred[Reply]":
        if isinstance(command.params, ListProcessors):
            return Deferred.fromCoroutine(self._inventory.answer(command, command.params))
        return succeed(Reply(command.row.message, self._ground.clock.seconds()))

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events to C{listener}, of a processor that exists, or of them all."""
        return Deferred.fromCoroutine(self._subscribe(wish, listener))

    async def _subscribe(self, wish: Wish, listener: Listener) -> Subscribed:
        await self._slots.opened()
        slot = None if wish.processor is None else await self._sharing.existing(wish.processor)
        return self._ground.publishing.subscribe(wish, slot, listener)

    # Where other services have processors, too

    def sole(self, sees: Callable[[str], bool] = lambda _: True) -> str | None:
        """The only processor there is of those that are seen; C{None} where there are none, or
        several."""
        return self._slots.sole(sees)

    def held(self) -> frozenset[str] | None:
        """The processors that are here or are being made; C{None}: that is not known yet."""
        return self._slots.held()

    def take(self, processor: str) -> None:
        """A processor is this worker's now: it is loaded, and its turns go on."""
        self._sharing.take(processor)

    def let_go(self, processor: str) -> None:
        """A processor is not this worker's any more: what is known of it is void, and who waits is
        told whose it is."""
        self._loading.let_go(processor)

    async def rest(self, processor: str) -> None:
        """Have a processor take no more turns, until L{go_on} or L{let_go}; fires when all that it
        did is durable, and told."""
        await self._sharing.rest(processor)

    def go_on(self, processor: str) -> None:
        """A processor that rests takes turns again."""
        self._sharing.go_on(processor)

    # What is told of it

    @property
    def hub(self) -> Hub:
        """Where all events come from."""
        return self._ground.publishing.hub

    @property
    def commits(self) -> GroupCommit:
        """What makes changes durable."""
        return self._ground.commits

    @property
    def long_turns(self) -> LongTurns:
        """What takes turns in a thread."""
        return self._ground.long_turns

    @property
    def times(self) -> TurnTimes:
        """How long turns took."""
        return self._turns.times

    def sizes(self) -> list[Size]:
        """How large the processors are, in no order."""
        measured = (slot.measured() for slot in self._slots)
        return [each for each in measured if each is not None]

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of the processors, their store, and their cache, if there is one."""
        ground = self._ground
        cache = ground.long_turns.statistics()
        return {
            **self._slots.statistics(),
            "matcher": self._engines.matcher.kind,
            "events": ground.publishing.hub.statistics(),
            "store": ground.store.statistics(),
            **self._audit.statistics(),
            **({} if cache is None else {"cache": cache}),
        }
