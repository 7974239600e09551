"""The processors of a service elsewhere (SPEC 8 and 9)."""

from collections.abc import Callable
from functools import partial, reduce
from itertools import count
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kato.commands import Command, Observe, ObserveSequence, Reply
from kato.counting import Histogram
from kato.dispatch import IProcessors
from kato.errors import InvalidRequest, ProcessorUnavailable
from kato.events import Listener, Subscribed, Wish
from kato.messagepack import pack, unpack
from kato.observation import Observation
from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.events import RemoteEvents
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.pool import Pool
from kato.replies import read_reply
from kato.requests import request_map
from kato.threads import InThread

LONG = 32 * 1024
"""An answer of more bytes than this is read in a thread."""

_MANY = 2_000
"""A request of more values than this is written in a thread."""

MAX_ANSWER = 2**30
"""How many bytes an answer may have when it is unpacked: what a service sends is not judged as
strictly as what a client does."""


@implementer(IProcessors)
class RemoteProcessors:
    """Provides L{IProcessors} by asking one service."""

    def __init__(
        self,
        address: str,
        *,
        sockets: Sockets,
        clock: IReactorTime,
        in_thread: InThread,
        random: Callable[[], float],
        api_key: bytes | None,
    ) -> None:
        """
        @param address: C{tcp://host:port}, the service's ROUTER.
        @param random: draws from 0 to 1, for pauses.
        @param api_key: what the service wants to see.
        """
        self._in_thread = in_thread
        key = {} if api_key is None else {"api_key": api_key.decode()}
        accept = ["json", "epoch"]
        if not Address.parse(address).loopback:
            accept.append("zlib")
        self._key: dict[str, Any] = key
        self._frame: dict[str, Any] = {**key, "accept": accept}
        self._ids = map(f"{token_hex(8)}-{{:x}}".format, count(1))
        self._pool = Pool(
            address,
            sockets=sockets,
            clock=clock,
            random=random,
            hello=pack({"type": "hello", **key}),
        )
        self._events = RemoteEvents(
            address, sockets=sockets, clock=clock, random=random, control=self.control
        )

    @property
    def under_way(self) -> int:
        """How many requests are under way to the service."""
        return self._pool.under_way

    @property
    def healthy(self) -> bool:
        """Whether the service answers."""
        return self._pool.healthy

    @property
    def seconds(self) -> Histogram:
        """How long the service's answers took."""
        return self._pool.seconds

    def counts(self) -> dict[str, int]:
        """What was counted of requests to the service."""
        return self._pool.counts()

    @property
    def told(self) -> dict[str, Any]:
        """What the service told of itself when it was last checked; nothing before that."""
        return self._pool.told

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Have the service carry out a command; one that changes something goes under a request id,
        which is made where it has none."""
        changes = command.row.changes
        request_id = command.request_id
        if changes and request_id is None:
            request_id = next(self._ids)
        written = partial(self._written, command, request_id)
        body = self._in_thread(written) if _is_long(command) else written()
        answer = self._pool.ask(command.processor, body, changes=changes)
        return answer.addCallback(self._read, changes)

    def _written(self, command: Command, request_id: str | None) -> bytes:
        request = request_map(command)
        request.update(self._frame)
        if request_id is not None:
            request["request_id"] = request_id
        return pack(request)

    def control(self, request: dict[str, Any]) -> "Deferred[dict[str, Any]]":
        """Ask what is no operation: a request with a C{type}.

        @raise KatoError: (the Deferred fails) what the service says against it.
        """
        answer = self._pool.ask(None, pack({**request, **self._key}), changes=False)
        return answer.addCallback(self._told)

    def _told(self, body: bytes) -> dict[str, Any]:
        told = unpack(body, limit=MAX_ANSWER)
        if isinstance(told, dict) and told.get("status") == "okay":
            return told
        error = read_reply(told)
        raise error if not isinstance(error, Reply) else InvalidRequest("answer: none of KATO's")

    def _read(self, body: bytes, changes: bool) -> "Reply | Deferred[Reply]":
        if len(body) > LONG:
            reading = self._in_thread(partial(unpack, body, limit=MAX_ANSWER))
            return reading.addCallback(self._judge, changes)
        return self._judge(unpack(body, limit=MAX_ANSWER), changes)

    def _judge(self, value: object, changes: bool) -> Reply:
        try:
            reply = read_reply(value)
        except InvalidRequest as error:
            raise ProcessorUnavailable(
                f"the service at {self._pool.address} does not speak as KATO does: {error}",
                outcome_unknown=changes,
            ) from None
        if isinstance(reply, Reply):
            return reply
        raise reply

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        """Tell events of the service to C{listener}."""
        return self._events.subscribe(wish, listener)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this service."""
        return {**self._pool.statistics(), "events": self._events.statistics()}

    def close(self) -> "Deferred[None]":
        """Close the connections; what is under way fails."""
        self._events.close()
        self._pool.close()
        return succeed(None)


def _is_long(command: Command) -> bool:
    """Whether a request takes time to write."""
    params = command.params
    if isinstance(params, ObserveSequence):
        return _weight(params.observations, _MANY) == 0
    return isinstance(params, Observe) and _weight(params.observation, _MANY) == 0


def _weight(value: object, left: int) -> int:
    """How many of C{left} values may still be written after this one; none: it is too large."""
    if isinstance(value, Observation):
        parts = (value.strings, value.vectors, value.emotives, value.metadata)
        return reduce(lambda left, each: _weight(each, left), parts, left)
    if isinstance(value, dict):
        return reduce(lambda left, each: _weight(each, left) if left else 0, value.values(), left)
    if isinstance(value, list | tuple):
        return reduce(lambda left, each: _weight(each, left) if left else 0, value, left)
    return max(left - 1, 0)
