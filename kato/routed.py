"""Processors that live in services elsewhere (SPEC 10)."""

from collections.abc import Sequence
from random import random

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kato.dispatch import Dispatch, IProcessors
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.remote import RemoteProcessors
from kato.routing import Routing
from kato.running import Ending
from kato.settings import Settings
from kato.worker import InThread


class Routed:
    """Holds no processors: asks the services that do."""

    def __init__(
        self, settings: Settings, *, sockets: Sockets, clock: IReactorTime, in_thread: InThread
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._clock = clock
        self._in_thread = in_thread
        self._owners = {each: str(address) for each, address in settings.services.items()}
        self._routing = Routing(self._owners, connect=self._connect, clock=clock)
        self.ready = False

    def _connect(self, address: str) -> RemoteProcessors:
        return RemoteProcessors(
            address,
            sockets=self._sockets,
            clock=self._clock,
            in_thread=self._in_thread,
            random=random,
            api_key=self._settings.api_key,
        )

    @property
    def processors(self) -> IProcessors:
        """Whom to ask."""
        return self._routing

    def sole(self) -> str | None:
        """The only processor there is, if there is just one."""
        return next(iter(self._owners)) if len(self._owners) == 1 else None

    async def begin(self, dispatch: Dispatch, log: Logger) -> None:
        """Connect to the services; those that are not there yet are waited for by nobody."""
        self._routing.begin()
        self.ready = True

    def endings(self) -> Sequence[Ending]:
        """Let go of the services."""
        return (Ending("leaving the services", self._routing.close),)
