"""What all parts of a worker stand on: the places of processors, what makes them durable, and whom
they tell."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from kato.audit.interface import IAudit
from kato.commits import GroupCommit
from kato.long_turns import LongTurns
from kato.publishing import Publishing
from kato.slots import Slot, Slots
from kato.storage.interface import IStore
from kato.tenure import Tenure


class Ground:
    """Joins what nearly all of them use; each takes of it what it needs."""

    def __init__(
        self,
        store: IStore,
        *,
        clock: IReactorTime,
        tenure: Tenure,
        audit: IAudit,
        long_turns: LongTurns,
        make_epoch: Callable[[], str],
        changed: Callable[[], None],
        roll_back: Callable[[str], None],
        free: Callable[[Slot], None],
    ) -> None:
        """
        @param store: an open store; L{AuditedStore}, where there is an audit log.
        @param make_epoch: makes names of histories of events, none of them ever twice.
        @param changed: is told when other processors may be here.
        @param roll_back: puts a processor back to its last durable state.
        @param free: goes on with the turns of a processor, or gives up its place.
        """
        self.store = store
        self.clock = clock
        self.tenure = tenure
        self.audit = audit
        self.long_turns = long_turns
        self.free = free
        self.slots = Slots(tenure, changed=changed)
        self.commits = GroupCommit(store, drain=self.slots.drain, roll_back=roll_back)
        self.publishing = Publishing(
            clock=clock,
            long_turns=long_turns,
            make_epoch=make_epoch,
            pending=self.commits.pending,
            free=free,
        )
