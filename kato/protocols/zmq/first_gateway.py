"""The first gateway, as another one asks it for the place of a processor (SPEC 10)."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.errors import KatoError, ProcessorNotFound, ProcessorUnavailable, TooManyRequests
from kato.messagepack import pack, unpack
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.link import Link
from kato.replies import read_reply

PATIENCE = 2.0
"""Seconds that the first gateway has to answer."""


_PASSED_ON = (ProcessorNotFound, ProcessorUnavailable, TooManyRequests)
"""What the first gateway may say that is an answer to a client's request, too."""


class FirstGateway:
    """Asks one registry."""

    log = Logger()

    def __init__(
        self,
        address: str,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        random: Callable[[], float],
        api_key: bytes | None,
    ) -> None:
        """
        @param address: C{tcp://host:port}, the gateway's registry.
        @param random: draws from 0 to 1, for pauses.
        @param api_key: what the gateway wants to see.
        """
        self._address = address
        self._clock = clock
        self._key: dict[str, Any] = {} if api_key is None else {"api_key": api_key.decode()}
        self._link = Link(
            address,
            sockets=sockets,
            clock=clock,
            random=random,
            connected=lambda: None,
            lost=lambda why: None,
        )

    def place(self, processor: str, *, creates: bool) -> "Deferred[str]":
        """The address of the service that has a processor, or shall have it.

        @param creates: whether it may be placed.
        @raise KatoError: (the Deferred fails) what the first gateway says, or
            L{ProcessorUnavailable} where it says nothing.
        """
        request = {"type": "place", "processor": processor, "create": creates, **self._key}
        asked = self._link.ask(pack(request), changes=False)
        asked.addTimeout(PATIENCE, self._clock)
        asked.addErrback(self._away)
        return asked.addCallback(self._read)

    def _away(self, failure: Failure) -> bytes:
        raise ProcessorUnavailable(
            f"the first gateway, {self._address}, is not there, and nobody else knows of new "
            "processors",
            retry_after=1,
        )

    def _read(self, body: bytes) -> str:
        try:
            told = unpack(body)
            if isinstance(told, dict) and isinstance(told.get("service"), str):
                address: str = told["service"]
                return address
            error = read_reply(told)
        except KatoError as nonsense:
            error = nonsense
        if isinstance(error, _PASSED_ON):
            raise error
        self.log.error(
            "the first gateway, {address}, places nothing: {error}",
            address=self._address,
            error=error,
        )
        raise ProcessorUnavailable(
            f"the first gateway, {self._address}, places nothing", retry_after=1
        )

    def close(self) -> None:
        """Ask no more."""
        self._link.close()
