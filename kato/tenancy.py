"""The processors that a service owns in a store that it shares (SPEC 10 and 11).

Nothing is answered, and no turn is taken, when the lease may have ended; and nothing is written but
under the epochs of what is owned, which the store checks.
"""

from collections.abc import Callable, Iterable, Mapping

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kato.changes import Remembered
from kato.commands import Command, Reply
from kato.errors import (
    KatoError,
    Moved,
    ProcessorNotFound,
    ProcessorUnavailable,
    StorageUnavailable,
)
from kato.fields import shown
from kato.holdings import Fence, Member, Owner, Present
from kato.lease import Lease
from kato.storage.shared import IShared
from kato.tenure import Result


class Tenancy:
    """Provides L{kato.tenure.Tenure} in a store that others use, too."""

    shared = True

    def __init__(
        self,
        store: IShared,
        member: Member,
        *,
        monotonic: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """
        @param member: this service, as it begins.
        @param monotonic: a clock of this machine that only rises, also while the process is
            stopped.
        @param changed: is told when L{held} has changed.
        """
        self._store = store
        self._monotonic = monotonic
        self.changed = changed
        self.member = member
        self.lease = Lease()
        self.held: dict[str, int] = {}
        self.leaving = False
        self._others: frozenset[str] = frozenset()
        self._seeking: dict[str, Deferred[None]] = {}
        self._ending: dict[str, Deferred[None]] = {}

    # What the worker asks

    @property
    def valid(self) -> bool:
        """Whether the lease holds now."""
        return self.lease.holds(self._monotonic())

    def epoch(self, processor: str) -> int | None:
        """Under which epoch a processor is held; C{None}: it is not."""
        return self.held.get(processor)

    def check(self) -> None:
        """Judge whether turns may be taken now."""
        if not self.valid:
            raise _cut_off(unknown=False)

    def seal(self, command: Command, epoch: int | None, result: Result) -> Result:
        """What may be answered, just before it is."""
        error = result.value if isinstance(result, Failure) else result
        if isinstance(error, ProcessorUnavailable | StorageUnavailable):
            return result
        unknown = epoch is not None and command.row.changes
        if not self.valid:
            return _cut_off(unknown=unknown)
        if epoch is not None and self.held.get(command.processor or "") != epoch:
            return _lost(unknown=unknown)
        if isinstance(result, Reply) and epoch is not None:
            return _under(result, epoch)
        return result

    def obtain(self, processor: str, *, creates: bool) -> "Deferred[None]":
        """Come to hold a processor that is not held."""
        seeking = self._seeking.get(processor)
        if seeking is None:
            seeking = Deferred.fromCoroutine(self._obtain(processor, creates))
            if seeking.called:
                return seeking
            self._seeking[processor] = seeking
            seeking.addBoth(self._found, processor)
        beside: Deferred[None] = Deferred()
        seeking.addBoth(_tell_both, beside)
        return beside

    def _found(self, result: Failure | None, processor: str) -> Failure | None:
        del self._seeking[processor]
        return result

    async def _obtain(self, processor: str, creates: bool) -> None:
        self.check()
        if processor in self._ending:
            await self._ending[processor]
        boot = self.member.boot
        owner = await self._store.owner(processor)
        if owner is None and not creates:
            raise ProcessorNotFound(f"processor: there is no {shown(processor)}")
        if self.is_orphan(owner):
            if self.leaving:
                raise ProcessorUnavailable("this service is leaving: not done", retry_after=1)
            self.took(boot, await self._store.claim(boot, {processor: owner}))
            if processor not in self.held:
                owner = await self._store.owner(processor)
        if processor not in self.held and owner is not None and owner.boot == boot:
            await self._hold_anew(owner, boot)
        if processor not in self.held:
            raise _elsewhere(processor, owner)

    async def _hold_anew(self, owner: Owner, boot: str) -> None:
        """Hold what is found to be this service's, under a new epoch: what was written under the
        old one, and may still be on its way to the store, comes too late."""
        fence = Fence(boot, {owner.processor: owner.epoch})
        given = await self._store.hand_over(fence, boot)
        self.took(boot, {each: new.epoch for each, new in given.items()})

    def is_orphan(self, owner: Owner | None) -> bool:
        """Whether nobody that was seen has a processor."""
        if owner is None or owner.boot is None:
            return True
        return owner.boot != self.member.boot and owner.boot not in self._others

    def forget(self, processor: str, *, deleted: bool) -> None:
        """There is no such processor any more, or has never been."""
        epoch = self.held.pop(processor, None)
        if epoch is None:
            return
        self.changed()
        if not deleted:
            ending = self._store.disown(Fence(self.member.boot, {processor: epoch}))
            if not ending.called:
                self._ending[processor] = ending
            ending.addErrback(lambda _: None).addCallback(self._ended, processor)

    def _ended(self, _: None, processor: str) -> None:
        """An owner of nothing that could not be forgotten is found at the next look."""
        self._ending.pop(processor, None)

    def deletion(self, processor: str, key: str) -> "Deferred[Remembered | None]":
        """What a deletion under a request id was answered, by whichever service."""
        return self._store.deletion(processor, key)

    # What happens to it

    def saw(self, members: Iterable[Present]) -> None:
        """Know who is there."""
        self._others = frozenset(each.member.boot for each in members)

    def took(self, boot: str, got: Mapping[str, int]) -> list[str]:
        """Hold what was got for a boot, unless that has ended since; gives what is new."""
        if boot != self.member.boot:
            return []
        new = [each for each in got if each not in self.held]
        self.held.update(got)
        if new:
            self.changed()
        return new

    def lost(self, processors: Iterable[str]) -> list[str]:
        """Hold some no more; gives those that were held."""
        gone = [each for each in processors if self.held.pop(each, None) is not None]
        if gone:
            self.changed()
        return gone

    def begin_anew(self, member: Member) -> list[str]:
        """Be another member: the one before was buried.  Gives what was held."""
        self.lease.lost()
        self.member = member
        return self.lost(list(self.held))

    def fence(self, processors: Iterable[str]) -> Fence:
        """Under which epochs these are written, as far as they are held."""
        held = self.held
        return Fence(self.member.boot, {each: held[each] for each in processors if each in held})

    def knows(self, processor: str) -> bool:
        """Whether it is held, or it is being found out whether it will be."""
        return processor in self.held or processor in self._ending or processor in self._seeking


def _cut_off(*, unknown: bool) -> KatoError:
    done = "" if unknown else ": not done"
    return ProcessorUnavailable(
        f"this service has not reached its store for too long{done}",
        retry_after=1,
        outcome_unknown=unknown,
    )


def _lost(*, unknown: bool) -> KatoError:
    return ProcessorUnavailable(
        "this service has lost the processor meanwhile", retry_after=1, outcome_unknown=unknown
    )


def _elsewhere(processor: str, owner: Owner | None) -> KatoError:
    """Why a processor was not come by."""
    if owner is None or not owner.address:
        return ProcessorUnavailable(
            f"processor: it is not known yet who has {shown(processor)}: not done", retry_after=1
        )
    return Moved(
        f"processor: the service at {owner.address} has {shown(processor)}",
        address=owner.address,
        epoch=owner.epoch,
    )


def _under(reply: Reply, epoch: int) -> Reply:
    return Reply(
        reply.message, reply.time_stamp, reply.fields, reply.processor, reply.interval, epoch
    )


def _tell_both(result: Failure | None, beside: "Deferred[None]") -> None:
    if isinstance(result, Failure):
        beside.errback(result)
    else:
        beside.callback(None)
