"""The ROUTER: frames become commands, replies become frames (SPEC 9).

The last frame of a message is the request; the reply goes back behind exactly the frames that came
before it, whatever they are.
"""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.codec import SelfWriting
from kato.commands import Reply
from kato.defects import judged
from kato.errors import KatoError, Moved, ProcessorUnavailable, TooManyRequests, UnknownOperation
from kato.fields import mapping, shown, text
from kato.gate import Bearer, Gate
from kato.keeper import WrongKey
from kato.messagepack import pack, unpack
from kato.origin import Origin
from kato.policy import is_open
from kato.protocols.zmq.backlog import Backlog
from kato.protocols.zmq.forwarding import is_marked, limit
from kato.protocols.zmq.interface import Listening, Socket, Sockets
from kato.replies import error_map, moved_map
from kato.requests import Request, named_processor, parse_key

MAX_UNDER_WAY = 10_000
"""How many requests may be under way at a time, of all clients together."""

LONG = 32 * 1024
"""A message of more bytes than this may take milliseconds to read, and is read in a thread."""

_FEW = 100
"""An answer with a longer list than this is written in a thread."""

InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function off the reactor; fires with what it returns."""

Control = Callable[[Mapping[str, Any]], "Mapping[str, Any] | Deferred[Mapping[str, Any]]"]
"""Answers a request that is no operation, by what stands in it beside its type and key."""


Sole = Callable[[Callable[[str], bool]], str | None]
"""The only processor among those of which it is told that they are seen, if there is just one."""

PEER = "ZeroMQ"
"""Where wrong keys come from: libzmq tells no addresses, and a name is changed by connecting anew,
so all of its clients are slowed together."""

_HOW = "send it as api_key"


class ZmqServer:
    """Answers what comes to a ROUTER."""

    log = Logger()

    def __init__(
        self,
        gate: Gate,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        sole: Sole,
        controls: Mapping[str, Control],
        may_answer: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        @param gate: knows who asks, and lets commands through.
        @param sole: the processor that is meant where none is named.
        @param controls: who answers requests that are no operations, by their C{type}.
        @param may_answer: whether what was found out of a processor may still be said, at the
            moment when it is.
        """
        self._gate = gate
        self._clock = clock
        self._in_thread = in_thread
        self._sole = sole
        self._controls = controls
        self._may_answer = may_answer
        self._socket: Socket | None = None
        self._backlog = Backlog(clock=clock)
        self._behind: dict[bytes, deque[list[bytes]]] = {}
        self._ids = map(f"{token_hex(4)}-{{:x}}".format, count(1))
        self.under_way = 0
        self._answered = 0
        self._refused = 0

    def open(self, sockets: Sockets, listening: Listening, *, members_only: bool = False) -> None:
        """Begin to answer.

        @param members_only: where connections are encrypted, the cluster alone.
        """
        self._socket = sockets.router(
            listening, self.received, self._backlog.flush, members_only=members_only
        )
        self._backlog.open(self._socket)

    def close(self) -> None:
        """End; what was answered still goes out."""
        self._backlog.close()
        if self._socket is not None:
            self._socket.close()

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this socket."""
        return {
            "requests": self._answered,
            "refused": self._refused,
            "under_way": self.under_way,
            **self._backlog.statistics(),
        }

    # What comes

    def received(self, frames: list[bytes]) -> None:
        """Take a message; those of one peer in order, also while one is read for long."""
        self.under_way += 1
        self._backlog.gather()
        waiting = self._behind.get(frames[0])
        if self.under_way > MAX_UNDER_WAY:
            error = TooManyRequests(f"{MAX_UNDER_WAY} requests are under way", retry_after=1)
            self._fail(Failure(error), frames[:-1])
        elif waiting is not None:
            waiting.append(frames)
        elif len(frames[-1]) > LONG:
            self._behind[frames[0]] = deque()
            self._read_in_thread(frames)
        else:
            self._read(frames)

    def _read(self, frames: list[bytes]) -> None:
        envelope = frames[:-1]
        try:
            value = unpack(frames[-1], limit=limit(envelope))
        except Exception:
            self._fail(Failure(), envelope)
        else:
            self._answer(value, envelope)

    def _read_in_thread(self, frames: list[bytes]) -> None:
        envelope = frames[:-1]
        reading = self._in_thread(partial(unpack, frames[-1], limit=limit(envelope)))
        reading.addCallbacks(self._answer, self._fail, (envelope,), {}, (envelope,))
        reading.addCallback(self._go_on, frames[0])

    def _go_on(self, _: object, peer: bytes) -> None:
        """Take what came from a peer meanwhile."""
        waiting = self._behind[peer]
        while waiting:
            frames = waiting.popleft()
            if len(frames[-1]) > LONG:
                self._read_in_thread(frames)
                return
            self._read(frames)
        del self._behind[peer]

    def _answer(self, value: object, envelope: list[bytes]) -> None:
        """Judge a request, and have it answered."""
        accept: frozenset[str] = frozenset()
        try:
            if isinstance(value, dict) and "type" in value:
                asked: Deferred[Any] = maybeDeferred(self._control, value)
            else:
                request = Request.parse(value)
                accept = request.accept
                asked = self._ask(request, envelope)
        except Exception:
            self._fail(Failure(), envelope, accept, value)
        else:
            asked.addCallback(self._reply, envelope, accept)
            asked.addErrback(self._fail, envelope, accept, value)

    def _ask(self, request: Request, envelope: list[bytes]) -> "Deferred[Reply]":
        """Have a request carried out that may be made: a plain ping needs no key, and what only
        gateways say one that is for everything."""
        bearer = self._gate.anybody
        passed_on = request.origin is not None or is_marked(envelope)
        if passed_on or not is_open(request.method, request.processor):
            bearer = self._identify(request.api_key)
        if passed_on:
            bearer.judge_server("origin" if request.origin is not None else "forwarded")
        bearer.judge(request.operation, request.processor)
        origin = request.origin or Origin("zmq", next(self._ids), bearer.name)
        return bearer.ask(request.command(partial(self._sole, bearer.sees)).asked(origin))

    def _identify(self, key: str | None) -> Bearer:
        given = () if key is None else (key.encode(),)
        return self._gate.identify(given, how=_HOW, peer=PEER)

    def _control(
        self, value: Mapping[str, Any]
    ) -> "Mapping[str, Any] | Deferred[Mapping[str, Any]]":
        given = dict(mapping(value, "body"))
        name = text(given.pop("type"), "type")
        if name == "heartbeat":
            mapping(given, "body", frozenset({"api_key"}))
            return {"status": "okay", "timestamp": self._clock.seconds()}
        self._identify(parse_key(given)).judge_server(f"type {shown(name)}")
        given.pop("api_key", None)
        control = self._controls.get(name)
        if control is None:
            raise UnknownOperation(f"type: no request is of type {shown(name)}")
        return control(given)

    # What goes

    def _reply(
        self, reply: Reply | Mapping[str, Any], envelope: list[bytes], accept: frozenset[str]
    ) -> "Deferred[None] | None":
        answer = _told(reply, accept) if isinstance(reply, Reply) else reply
        if any(_is_long(each, accept) for each in answer.values()):
            written = self._in_thread(partial(pack, answer, accept=accept))
            return written.addCallback(self._send_reply, reply, envelope)
        self._send_reply(pack(answer, accept=accept), reply, envelope)
        return None

    def _send_reply(
        self, body: bytes, reply: Reply | Mapping[str, Any], envelope: list[bytes]
    ) -> None:
        """What is told of a processor is judged once more."""
        about = isinstance(reply, Reply) and reply.processor is not None
        self._send(self._too_late() if about and not self._may_answer() else body, envelope)

    def _fail(
        self,
        failure: Failure,
        envelope: list[bytes],
        accept: frozenset[str] = frozenset(),
        value: object = None,
    ) -> None:
        """Refuse; who tells wrong keys waits for that."""
        error = judged(failure, self.log, "ZeroMQ")
        self._refused += 1
        if isinstance(error, WrongKey) and error.delay:
            self._clock.callLater(error.delay, self._send_error, error, envelope, accept, value)
        else:
            self._send_error(error, envelope, accept, value)

    def _send_error(
        self, error: KatoError, envelope: list[bytes], accept: frozenset[str], value: object
    ) -> None:
        told = error_map(error, time_stamp=self._clock.seconds(), processor=named_processor(value))
        if isinstance(error, Moved) and "epoch" in accept:
            told["moved"] = moved_map(error)
        self._send(pack(told, accept=accept), envelope)

    def _send(self, body: bytes, envelope: list[bytes]) -> None:
        self.under_way -= 1
        self._answered += 1
        self._backlog.send(envelope, body)

    def _too_late(self) -> bytes:
        """What is said in place of an answer that took so long that it may be wrong by now."""
        error = ProcessorUnavailable(
            "this service has not reached its store for too long",
            retry_after=1,
            outcome_unknown=True,
        )
        return pack(error_map(error, time_stamp=self._clock.seconds()))


def _told(reply: Reply, accept: frozenset[str]) -> Mapping[str, Any]:
    """An answer, with its epoch for who wants to know that."""
    answer = reply.as_dict()
    if reply.epoch is not None and "epoch" in accept:
        answer["epoch"] = reply.epoch
    return answer


_SCALARS = frozenset({bool, float, int, str, type(None)})


def _is_long(value: object, accept: frozenset[str]) -> bool:
    """Whether a member of an answer takes time to write: JSON that is written needs none."""
    if type(value) in _SCALARS:
        return False
    if isinstance(value, SelfWriting):
        return "json" not in accept or "zlib" in accept
    return isinstance(value, list) and len(value) > _FEW
