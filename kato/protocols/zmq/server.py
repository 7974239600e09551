"""The ROUTER: frames become commands, replies become frames (SPEC 9).

The last frame of a message is the request; the reply goes back behind exactly the frames that came
before it, whatever they are.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.codec import SelfWriting
from kato.commands import Command, Reply, parse_processor_id
from kato.defects import judged
from kato.errors import KatoError, Moved, ProcessorUnavailable, TooManyRequests, UnknownOperation
from kato.fields import mapping, shown, text
from kato.gate import Bearer, Gate
from kato.intake import Intake
from kato.keeper import WrongKey
from kato.ledger import Ledger
from kato.letting_go import let_go
from kato.messagepack import is_compressed, pack, unpack
from kato.origin import Origin
from kato.policy import is_open
from kato.protocols.zmq.asked import Asked
from kato.protocols.zmq.backlog import Backlog
from kato.protocols.zmq.forwarding import FORWARDED, is_marked, limit
from kato.protocols.zmq.interface import Listening, Router, Sockets
from kato.replies import error_map, moved_map
from kato.requests import Request, named_processor, parse_key
from kato.threads import InThread

LONG = 32 * 1024
"""A message of more bytes than this may take milliseconds to read, and is read in a thread."""

_FEW = 100
"""An answer with a longer list than this is written in a thread."""

Control = Callable[[Mapping[str, Any]], "Mapping[str, Any] | Deferred[Mapping[str, Any]]"]
"""Answers a request that is no operation, by what stands in it beside its type and key."""


Sole = Callable[[Callable[[str], bool]], str | None]
"""The only processor among those of which it is told that they are seen, if there is just one."""

PEER = "ZeroMQ"
"""Where wrong keys come from: libzmq tells no addresses, and a name is changed by connecting anew,
so all of its clients are slowed together, and have one share of what is kept."""

_HOW = "send it as api_key"


@dataclass(frozen=True, slots=True)
class _Heard:
    """A message, judged as far as it can be without knowing who says it.

    C{request} is missing where it is none, C{command} where it is one of no operation, and both may
    be where C{failure} says what is wrong; C{control} is a request that is no operation.
    """

    accept: frozenset[str]
    processor: str | None
    request: Request | None = None
    command: Command | None = None
    control: Mapping[str, Any] | None = None
    failure: Exception | None = None


def _unnamed() -> str:
    """Stands for the processor that is meant where none is named, until it is known who asks."""
    return "unnamed"


class ZmqServer:
    """Answers what comes to a ROUTER."""

    log = Logger()

    def __init__(
        self,
        gate: Gate,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        intake: Intake | None = None,
        sole: Sole,
        controls: Mapping[str, Control],
        may_answer: Callable[[], bool] = lambda: True,
        ledger: Ledger | None = None,
    ) -> None:
        """
        @param gate: knows who asks, and lets commands through.
        @param intake: counts and reads what comes in, on other transports, too.
        @param sole: the processor that is meant where none is named.
        @param controls: who answers requests that are no operations, by their C{type}.
        @param may_answer: whether what was found out of a processor may still be said, at the
            moment when it is.
        @param ledger: is told of each request that was answered; one of its own, where none is
            given.
        """
        self._ledger = ledger or Ledger(clock=clock)
        self._gate = gate
        self._clock = clock
        self._in_thread = in_thread
        self._intake = intake or Intake(in_thread)
        self._limits = self._intake.limits
        longest = FORWARDED * self._limits.message
        self._share = self._intake.share(PEER, message=longest)
        self._sole = sole
        self._controls = controls
        self._may_answer = may_answer
        self._socket: Router | None = None
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
        self._ledger.close()
        if self._socket is not None:
            self._socket.close()

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of this socket."""
        return {
            "requests": self._answered,
            "refused": self._refused,
            "under_way": self.under_way,
            **self._backlog.statistics(),
            **({} if self._socket is None else self._socket.visitors()),
        }

    # What comes

    def received(self, frames: list[bytes]) -> None:
        """Take a message; those of one peer in order, also while one is read for long."""
        self.under_way += 1
        self._backlog.gather()
        try:
            self._check_room(frames)
        except TooManyRequests:
            self._fail(Failure(), self._begun(frames))
            return
        waiting = self._behind.get(frames[0])
        if waiting is not None:
            waiting.append(frames)
        elif _reads_long(frames[-1]):
            self._behind[frames[0]] = deque()
            self._read_in_thread(frames)
        else:
            self._read(frames)

    def _check_room(self, frames: list[bytes]) -> None:
        most = self._limits.requests
        if self.under_way > most:
            raise TooManyRequests(f"{most:,} requests are under way", retry_after=1)
        if _reads_long(frames[-1]):
            self._intake.hold(self._kept(frames), self._share)

    def _kept(self, frames: list[bytes]) -> int:
        """How many bytes a message takes; what is too long is refused unread, and takes no more."""
        return min(len(frames[-1]), limit(frames[:-1], self._limits.message))

    def _read(self, frames: list[bytes]) -> None:
        asked = self._begun(frames)
        self._answer(self._judge(frames), asked)

    def _begun(self, frames: list[bytes]) -> Asked:
        return Asked(frames[:-1], self._clock.seconds())

    def _read_in_thread(self, frames: list[bytes]) -> None:
        asked, size = self._begun(frames), self._kept(frames)
        most = self._limits.message if is_compressed(frames[-1]) else size
        reading = self._intake.read(most, partial(self._judge, frames))
        reading.addCallback(self._judged, size, frames, asked)

    def _judged(self, heard: "_Heard", size: int, frames: list[bytes], asked: Asked) -> None:
        """A long message was read and judged; take what came from its sender meanwhile."""
        self._intake.release(size, self._share)
        self._answer(heard, asked)
        waiting = self._behind[frames[0]]
        while waiting:
            following = waiting.popleft()
            if _reads_long(following[-1]):
                self._read_in_thread(following)
                return
            self._read(following)
        del self._behind[frames[0]]

    def _judge(self, frames: list[bytes]) -> "_Heard":
        """Judge a message, in a thread where that takes long: nothing is raised."""
        value: object = None
        request: Request | None = None
        accept: frozenset[str] = frozenset()
        most = limit(frames[:-1], self._limits.message)
        try:
            value = unpack(frames[-1], limit=most, max_values=self._limits.values)
            if isinstance(value, dict) and "type" in value:
                return _Heard(accept, named_processor(value), control=value)
            request = Request.parse(value)
            accept = request.accept
            command = request.command(_unnamed, self._limits)
            heard = _Heard(accept, named_processor(value), request, command)
        except Exception as error:
            heard = _Heard(accept, named_processor(value), request, failure=error)
        if _reads_long(frames[-1]):
            let_go(value)
        return heard

    def _answer(self, heard: "_Heard", asked: Asked) -> None:
        """Have a request answered."""
        asked.accept, asked.processor = heard.accept, heard.processor
        if heard.control is not None:
            asking: Deferred[Any] = maybeDeferred(self._control, heard.control, asked)
        else:
            asking = maybeDeferred(self._ask, heard, asked)
        asking.addCallback(self._reply, asked)
        asking.addErrback(self._fail, asked)

    def _ask(self, heard: "_Heard", asked: Asked) -> "Deferred[Reply]":
        """Have a request carried out that may be made."""
        request, command = heard.request, heard.command
        if request is None:
            assert heard.failure is not None, "what is no request is at fault"
            raise heard.failure
        asked.wanted = request.named
        bearer = self._bearer(request, asked.envelope)
        asked.origin = request.origin or self._origin(bearer.name)
        bearer = bearer.begin()
        bearer.judge(request.operation, request.processor)
        if command is None:
            assert heard.failure is not None, "what asks for nothing is at fault"
            raise heard.failure
        if request.processor is None and command.processor is not None:
            command = replace(command, processor=parse_processor_id(self._sole(bearer.sees)))
        asked.command = command.asked(asked.origin)
        return bearer.ask(asked.command)

    def _origin(self, key: str | None = None) -> Origin:
        return Origin("zmq", next(self._ids), key)

    def _bearer(self, request: Request, envelope: Sequence[bytes]) -> Bearer:
        """Who makes a request: a plain ping needs no key, and what only gateways say one that is
        for everything."""
        forwarded = is_marked(envelope)
        if request.origin is None and not forwarded and is_open(request.method, request.processor):
            return self._gate.anybody
        bearer = self._identify(request.api_key, envelope)
        if request.origin is not None:
            bearer.judge_server("origin")
        elif forwarded:
            bearer.judge_server("forwarded")
        return bearer

    def _identify(self, key: str | None, envelope: Sequence[bytes]) -> Bearer:
        """Who tells a key; from then on his connection is not a stranger's."""
        given = () if key is None else (key.encode(),)
        bearer = self._gate.identify(given, how=_HOW, peer=PEER)
        if self._socket is not None:
            self._socket.vouch(envelope[0])
        return bearer

    def _control(
        self, value: Mapping[str, Any], asked: Asked
    ) -> "Mapping[str, Any] | Deferred[Mapping[str, Any]]":
        given = dict(mapping(value, "body"))
        name = text(given.pop("type"), "type")
        if name == "heartbeat":
            mapping(given, "body", frozenset({"api_key"}))
            asked.control = name
            return {"status": "okay", "timestamp": self._clock.seconds()}
        bearer = self._identify(parse_key(given), asked.envelope)
        bearer.judge_server(f"type {shown(name)}")
        given.pop("api_key", None)
        control = self._controls.get(name)
        if control is None:
            raise UnknownOperation(f"type: no request is of type {shown(name)}")
        asked.control = name
        return control(given)

    # What goes

    def _reply(self, reply: Reply | Mapping[str, Any], asked: Asked) -> "Deferred[None] | None":
        accept = asked.accept
        answer = _told(reply, accept) if isinstance(reply, Reply) else reply
        if any(_is_long(each, accept) for each in answer.values()):
            written = self._in_thread(partial(pack, answer, accept=accept))
            return written.addCallback(self._send_reply, reply, asked)
        self._send_reply(pack(answer, accept=accept), reply, asked)
        return None

    def _send_reply(self, body: bytes, reply: Reply | Mapping[str, Any], asked: Asked) -> None:
        """What is told of a processor is judged once more."""
        about = isinstance(reply, Reply) and reply.processor is not None
        if about and not self._may_answer():
            error = self._too_late()
            self._send(pack(error_map(error, time_stamp=self._clock.seconds())), asked, error)
        else:
            self._send(body, asked)

    def _fail(self, failure: Failure, asked: Asked) -> None:
        """Refuse; who tells wrong keys waits for that."""
        error = judged(failure, self.log, "ZeroMQ")
        self._refused += 1
        if isinstance(error, WrongKey) and error.delay:
            self._clock.callLater(error.delay, self._send_error, error, asked)
        else:
            self._send_error(error, asked)

    def _send_error(self, error: KatoError, asked: Asked) -> None:
        told = error_map(error, time_stamp=self._clock.seconds(), processor=asked.processor)
        if isinstance(error, Moved) and "epoch" in asked.accept:
            told["moved"] = moved_map(error)
        self._send(pack(told, accept=asked.accept), asked, error)

    def _send(self, body: bytes, asked: Asked, error: KatoError | None = None) -> None:
        self.under_way -= 1
        self._answered += 1
        self._backlog.send(asked.envelope, body)
        origin = asked.origin or self._origin()
        self._ledger.tell(asked.answered(error, origin, self._clock.seconds()))

    def _too_late(self) -> ProcessorUnavailable:
        """What is said in place of an answer that took so long that it may be wrong by now."""
        return ProcessorUnavailable(
            "this service has not reached its store for too long",
            retry_after=1,
            outcome_unknown=True,
        )


def _reads_long(body: bytes) -> bool:
    """Whether a message takes time to read: one of 16 KiB may become 16 MiB."""
    return len(body) > LONG or is_compressed(body)


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
