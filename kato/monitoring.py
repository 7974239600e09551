"""What a process tells of itself to those who watch over it (docs/metrics.md)."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from kato.dispatch import Dispatch
from kato.gate import Gate
from kato.hosting import Holder
from kato.intake import Intake
from kato.ledger import Ledger
from kato.metrics import Exposition, Meters, Readings, make_registry
from kato.metrics.sources import read_process, read_requests
from kato.protocols.rest import Access, Page, RestSite, make_site
from kato.protocols.websocket import Streams
from kato.running import Ending
from kato.settings import Settings
from kato.threads import DaemonThreads, InThread

PAGES = frozenset({Page.METRICS, Page.LIVE, Page.READY})
"""All that a service without REST serves over HTTP."""

Read = Callable[[Readings], None]
"""Takes the readings of one part."""


class Monitoring:
    """Has all requests told, all parts read, and the process measured."""

    def __init__(
        self,
        dispatch: Dispatch,
        holder: Holder,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        pools: Sequence[DaemonThreads] = (),
    ) -> None:
        """@param pools: all threads in which anything is done off the reactor."""
        self.ledger = Ledger(clock=clock)
        self.meters = Meters(clock=clock)
        self.exposition = Exposition(self._read, registry=make_registry(), in_thread=in_thread)
        self._dispatch = dispatch
        self._holder = holder
        self._pools = pools
        self._parts: list[Read] = [holder.read]

    def add(self, read: Read) -> None:
        """Have another part read, too."""
        self._parts.append(read)

    def _read(self, readings: Readings) -> None:
        read_requests(readings, self.ledger.counts, under_way=self._dispatch.under_way)
        for read in self._parts:
            read(readings)
        read_process(readings, self.meters, self._pools, ready=self._holder.ready)

    def start(self) -> None:
        """Begin to measure."""
        self.meters.start()

    def ending(self) -> Ending:
        """The last step of the end."""
        return Ending("writing the last requests to the log", self._stop)

    def _stop(self) -> "Deferred[Any]":
        self.meters.stop()
        self.ledger.close()
        return succeed(None)


def make_monitoring_site(
    settings: Settings,
    monitoring: Monitoring,
    gate: Gate,
    holder: Holder,
    *,
    clock: IReactorTime,
    in_thread: InThread,
) -> RestSite:
    """What a port serves that is for those alone who watch over the process."""
    intake = Intake(in_thread, settings.limits)
    return make_site(
        gate,
        clock=clock,
        in_thread=in_thread,
        intake=intake,
        access=Access(settings.hosts, settings.origins),
        streams=Streams(gate, clock=clock, in_thread=in_thread, intake=intake),
        assets={},
        statistics=dict,
        ready=lambda: holder.ready,
        ledger=monitoring.ledger,
        metrics=monitoring.exposition,
        pages=PAGES,
    )
