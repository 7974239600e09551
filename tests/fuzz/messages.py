"""Messages of ZeroMQ: at the ROUTER of a service, and at a gateway's registry."""

from collections.abc import Mapping
from typing import Any

import msgpack
from twisted.internet.task import Clock

from kato.errors import BY_CODE
from kato.finding import Finder
from kato.members import Members
from kato.protocols.zmq.addresses import Address
from kato.protocols.zmq.first_gateway import FirstGateway
from kato.protocols.zmq.prefixes import Place, is_echo
from kato.protocols.zmq.registry import Registry
from kato.protocols.zmq.server import ZmqServer
from kato.roster import SETTLING, Roster
from tests.doubles import at_once
from tests.fuzz.choices import Choices
from tests.fuzz.systems import World, no_defects
from tests.fuzz.target import Target, hold
from tests.fuzz.values import ANNOUNCED, REQUESTS
from tests.gates import make_gate
from tests.services import FakeService
from tests.zmq.memory import MemoryPort, MemorySockets

_ADDRESS = "tcp://127.0.0.1:5555"
_FOR_NOW = frozenset({"TOO_MANY_REQUESTS", "PROCESSOR_UNAVAILABLE"})


class _Dealer:
    """Sends messages, each of which must be answered once."""

    def __init__(self, sockets: MemorySockets, address: str) -> None:
        self._sockets = sockets
        self._came: list[list[bytes]] = []
        self._dealer = sockets.dealer(
            address, received=self._came.append, up=lambda: None, down=lambda why: None
        )
        sockets.pump()

    def ask(self, *frames: bytes) -> Mapping[str, Any]:
        """The answer, which comes behind the frames before the last."""
        self._dealer.send(frames)
        self._sockets.pump()
        hold(len(self._came) == 1, "not one answer", self._came)
        [[*envelope, body]] = self._came
        self._came.clear()
        hold(envelope == list(frames[:-1]), "another envelope", envelope)
        answer: dict[str, Any] = msgpack.unpackb(body, strict_map_key=False, ext_hook=_extension)
        if answer["status"] == "error":
            error = BY_CODE[answer["error_code"]]
            known = error.http_status < 500 or error.error_code in _FOR_NOW
            hold(known, "an error that is not the client's", answer)
        return answer


def _extension(code: int, data: bytes) -> object:
    return dict[str, Any]() if code == 3 else msgpack.ExtType(code, data)


def _frames_of(by: Choices) -> list[bytes]:
    """Some frames, and then all that is left."""
    envelope = [by.some(8) for _ in range(by.below(3))]
    return [*envelope, by.rest()]


def _router(data: bytes) -> None:
    """One answer, behind its envelope; what is refused changes nothing."""
    world = World()
    server = ZmqServer(
        make_gate(world.dispatch, clock=world.clock),
        clock=world.clock,
        in_thread=at_once,
        sole=world.worker.sole,
        controls={},
    )
    sockets = MemorySockets(world.clock)
    server.open(sockets, MemoryPort(_ADDRESS))
    dealer = _Dealer(sockets, _ADDRESS)
    with no_defects():
        before = world.state()
        answer = dealer.ask(*_frames_of(Choices(data)))
        if answer.get("status") == "error":
            hold(world.state() == before, "what is refused changes something", answer)
        hold(server.under_way == 0, "a request is under way for ever")


def _no_colleague(address: str) -> FirstGateway:
    raise AssertionError("this is the first gateway")


def _registry(data: bytes) -> None:
    """Whatever is announced is answered, and then again as before."""
    clock = Clock()
    clock.advance(1000)
    sockets = MemorySockets(clock)
    roster = Roster(now=clock.seconds())
    members = Members(roster, connect=FakeService, clock=clock)
    finder = Finder(roster, members, clock=clock, registry=True, colleague=_no_colleague)
    members.start()
    clock.advance(SETTLING)
    keeper = make_gate(None, clock=clock).keeper
    registry = Registry(members, finder, clock=clock, in_thread=at_once, keeper=keeper)
    registry.open(sockets, MemoryPort(_ADDRESS))
    dealer = _Dealer(sockets, _ADDRESS)
    with no_defects():
        dealer.ask(msgpack.packb({"type": "announce", **ANNOUNCED, "epochs": None}))
        dealer.ask(*_frames_of(Choices(data)))
        place = dealer.ask(msgpack.packb({"type": "place", "processor": "p9"}))
        hold(place["status"] in ("okay", "error"), "no answer", place)
    members.stop()
    registry.close()


def _prefix(data: bytes) -> None:
    """A prefix that is none is nobody's; an address reads back as it is written."""
    place = Place.parse(data, b"secret")
    is_echo(data, b"secret")
    if place is not None:
        hold(place.prefix(b"secret") == data, "another prefix", place)
    try:
        address = Address.parse(data.decode("latin-1"))
    except ValueError:
        return
    hold(Address.parse(str(address)) == address, "another address", address)


_REQUESTS = [msgpack.packb(each) for each in REQUESTS]
_CONTROLS = [
    msgpack.packb(each)
    for each in (
        {"type": "announce", **ANNOUNCED},
        {"type": "leave", "address": "tcp://a:5555", "boot": "1"},
        {"type": "place", "processor": "p2", "create": True},
        {"type": "heartbeat"},
    )
]
_WORDS = [
    msgpack.packb(each) for each in ("type", "method", "processor", "params", "epochs", 2**63)
]

MESSAGES = (
    Target("router", _router, [b"\0" + each for each in _REQUESTS], _WORDS, 1024),
    Target("registry", _registry, [b"\0" + each for each in _CONTROLS], _WORDS, 1024),
    Target(
        "prefix",
        _prefix,
        [b"secret/p1/learning", b"secret//beat", b"secret/~ab", b"tcp://[::1]:5555", b"a:1"],
        [b"secret/", b"tcp://", b"[", b"]:"],
        128,
    ),
)
