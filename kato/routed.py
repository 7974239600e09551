"""Processors that live in services elsewhere (SPEC 10)."""

from collections.abc import Callable, Sequence
from random import random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kato.dispatch import Dispatch, IProcessors
from kato.finding import Finder
from kato.keeper import Keeper
from kato.members import Members
from kato.metrics import Readings
from kato.metrics.sources import read_services
from kato.placement import PLACEMENTS
from kato.protocols.zmq.addresses import BoundPort
from kato.protocols.zmq.first_gateway import FirstGateway
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.registry import Registry
from kato.protocols.zmq.remote import RemoteProcessors
from kato.roster import RESERVED, Roster
from kato.routing import Routing
from kato.running import Ending
from kato.settings import Settings
from kato.threads import InThread


class Routed:
    """Holds no processors: asks the services that do."""

    log = Logger()

    def __init__(
        self,
        settings: Settings,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        in_thread: InThread,
        keeper: Keeper,
        registry: BoundPort | None = None,
    ) -> None:
        """
        @param keeper: knows who has a key.
        @param registry: where services announce themselves, if they do.
        """
        self._settings = settings
        self._sockets = sockets
        self._clock = clock
        self._in_thread = in_thread
        self._port = registry
        roster = Roster(
            fixed={each: str(address) for each, address in settings.services.items()},
            placement=PLACEMENTS[settings.placement](),
            reserved=max(RESERVED, 2 * settings.timeout),
            now=clock.seconds(),
        )
        self._members = Members(roster, connect=self._connect, clock=clock)
        self._finder = Finder(
            roster,
            self._members,
            clock=clock,
            registry=registry is not None,
            colleague=self._colleague,
        )
        self._registry = Registry(
            self._members,
            self._finder,
            clock=clock,
            in_thread=in_thread,
            keeper=keeper,
        )
        self.routing = Routing(roster, self._members, self._finder, clock=clock)

    def _connect(self, address: str) -> RemoteProcessors:
        return RemoteProcessors(
            address,
            sockets=self._sockets,
            clock=self._clock,
            in_thread=self._in_thread,
            random=random,
            api_key=self._settings.api_key,
        )

    def _colleague(self, address: str) -> FirstGateway:
        return FirstGateway(
            address,
            sockets=self._sockets,
            clock=self._clock,
            random=random,
            api_key=self._settings.api_key,
        )

    @property
    def processors(self) -> IProcessors:
        """Whom to ask."""
        return self.routing

    @property
    def ready(self) -> bool:
        """Whether processors can be asked now."""
        return self.routing.ready

    @property
    def source(self) -> None:
        """The events of these processors are published where they are."""

    def read(self, readings: Readings) -> None:
        """Take the readings of the services."""
        read_services(readings, self._members, processors=self.routing.processors)

    def sole(self, sees: Callable[[str], bool]) -> str | None:
        """The only processor there is of those that are seen, if there is just one."""
        return self.routing.sole(sees)

    async def begin(self, dispatch: Dispatch, log: Logger) -> None:
        """Connect to the services that are known, and hear the others; those that are not there
        yet are waited for by nobody."""
        self._members.start()
        if self._port is not None:
            self.log.info("services announce themselves at {address}", address=self._port.address)
            self._registry.open(self._sockets, self._port)

    def endings(self) -> Sequence[Ending]:
        """Hear nobody any more, and let go of the services."""
        return (Ending("leaving the services", self._leave),)

    def _leave(self) -> "Deferred[Any]":
        self._registry.close()
        self._finder.stop()
        self.routing.close()
        return self._members.stop()
