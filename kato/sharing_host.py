"""Processors of one of several services that share a store (SPEC 10 and 11)."""

import time
from collections.abc import Sequence
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.threadpool import ThreadPool

from kato.audit_hosting import Audit, make_audit
from kato.caching import Cache
from kato.holdings import Member
from kato.hosting import Host, cache_of, use_cores
from kato.membership import Membership
from kato.options import refuse
from kato.running import Ending
from kato.settings import Settings
from kato.storage import open_shared
from kato.storage.fenced import FencedStore
from kato.storage.interface import CannotOpen
from kato.storage.shared import IShared
from kato.tenancy import Tenancy
from kato.threads import InThread, off_the_reactor


def monotonic() -> float:
    """Seconds of a clock that only rises, and goes on while the process, or the machine, sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SharingHost(Host):
    """Holds those processors in this process that are its own."""

    def __init__(
        self,
        settings: Settings,
        store: IShared,
        member: Member,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        audit: Audit | None = None,
        cache: Cache | None = None,
    ) -> None:
        """
        @param member: this service, as it begins.
        @param audit: the audit log, if there is to be one.
        @param cache: where services keep answers for each other, if there is such.
        """
        self.tenancy = Tenancy(store, member, monotonic=monotonic)
        super().__init__(
            settings,
            FencedStore(store, self.tenancy),
            clock=clock,
            in_thread=in_thread,
            tenure=self.tenancy,
            audit=audit,
            cache=cache,
        )
        self.membership = Membership(
            store,
            self.tenancy,
            self.worker,
            clock=clock,
            monotonic=monotonic,
            make_boot=lambda: token_hex(8),
        )

    @property
    def ready(self) -> bool:
        """Whether processors can be asked now."""
        return super().ready and self.tenancy.valid

    def may_answer(self) -> bool:
        """Whether what was found out may still be said."""
        return self.tenancy.valid

    async def join(self) -> None:
        """Be a member, and take what nobody has."""
        await self.membership.start()

    def leaving(self) -> Sequence[Ending]:
        """What is done first when the service ends, while it still answers."""
        return (Ending("handing over", lambda: Deferred.fromCoroutine(self.membership.leave())),)

    def endings(self) -> Sequence[Ending]:
        """What was not handed over is found by the others when the lease has ended."""
        return (Ending("ending the membership", self._end), *super().endings())

    def _end(self) -> "Deferred[Any]":
        self.membership.stop()
        return succeed(None)


def make_sharing_host(
    settings: Settings, member: Member, reactor: Any, threads: ThreadPool
) -> SharingHost | None:
    """Open the storage that the settings name, if it is one to be shared, and make what holds
    processors there; or refuse."""
    try:
        store = open_shared(settings.storage, reactor=reactor)
        if store is None:
            return None
        store.open()
    except CannotOpen as error:
        refuse(str(error))
    in_thread = off_the_reactor(reactor, threads)
    audit = make_audit(settings, reactor)
    cache = cache_of(settings, reactor)
    host = SharingHost(
        settings, store, member, clock=reactor, in_thread=in_thread, audit=audit, cache=cache
    )
    use_cores(host, threads)
    return host
