"""Frames of WebSocket on a whole gateway in memory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import txaio
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from kato.gateway import build
from kato.hosting import Host
from kato.key_reading import make_keeper
from kato.settings import Settings
from kato.storage.memory import MemoryStore
from tests.doubles import at_once
from tests.fuzz.systems import fired, no_defects
from tests.fuzz.target import Target, hold
from tests.rest.talking import Wire, get
from tests.websocket.plain import handshake

_PEER = IPv4Address("TCP", "127.0.0.1", 50000)
_CLOSES = frozenset({1000, 1001, 1002, 1003, 1007, 1009, 1013, 4008, 4401})
_VARYING = re.compile(rb'"(time_stamp|unique_id|epoch)":("[^"]*"|[0-9.]+)')
_CLOSE = 8
_PROTOCOLS = ("kato.v1.json", "kato.v1.msgpack")


class _Gateway:
    """A gateway, to which connections are made."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.clock.advance(1_000_000)
        store = MemoryStore()
        store.open()
        host = Host(Settings(), store, clock=self.clock, in_thread=at_once)
        keeper = make_keeper(Settings(), clock=self.clock)
        self.parts = build(Settings(), host, keeper=keeper, clock=self.clock, in_thread=at_once)
        fired(Deferred.fromCoroutine(host.worker.start()))

    def said(self, pieces: Iterator[bytes]) -> bytes:
        """What is said to a client that sends this."""
        wire = Wire()
        channel = self.parts.site.buildProtocol(_PEER)
        assert channel is not None
        channel.makeConnection(wire)
        for piece in pieces:
            if wire.disconnecting or wire.aborted:
                break
            channel.dataReceived(piece)
            self.clock.advance(0)
        while not (wire.disconnecting or wire.aborted or self.clock.seconds() > 1_000_030):
            self.clock.advance(5)
        said: bytes = wire.value()
        return said


@contextmanager
def _clock() -> Iterator[Clock]:
    """A clock that is Autobahn's, too, meanwhile."""
    before, clock = txaio.config.loop, Clock()  # type: ignore[attr-defined]  # made at import
    txaio.config.loop = clock  # type: ignore[attr-defined]
    try:
        yield clock
    finally:
        txaio.config.loop = before  # type: ignore[attr-defined]


def _frames(said: bytes) -> Iterator[tuple[int, bytes]]:
    """Frames as a server sends them: whole, and not masked."""
    while said:
        opcode, short, said = said[0] & 0xF, said[1], said[2:]
        width = {126: 2, 127: 8}.get(short, 0)
        size = int.from_bytes(said[:width], "big") if width else short
        payload, said = said[width : width + size], said[width + size :]
        hold(short < 128 and len(payload) == size, "no frame of a server's", short, size)
        yield opcode, payload


def _stream(data: bytes) -> None:
    """However the bytes come in pieces the same is said, and a closing frame says why; others are
    answered as before."""
    if not data:
        return
    head = handshake(
        f"Sec-WebSocket-Protocol: {_PROTOCOLS[data[0] & 1]}",
        *(["Sec-WebSocket-Extensions: permessage-deflate"] if data[0] & 2 else []),
    ).encode()
    raw = data[1:]
    with no_defects():
        whole = _judged(iter([head, raw]))
        step = 1 + (data[0] >> 2)
        pieces = _judged(iter([head, *(raw[at : at + step] for at in range(0, len(raw), step))]))
    hold(pieces == whole, "other frames in pieces", step, pieces, whole)


def _judged(pieces: Iterator[bytes]) -> list[tuple[int, bytes]]:
    with _clock() as clock:
        return _judged_by(_Gateway(clock), pieces)


def _judged_by(gateway: _Gateway, pieces: Iterator[bytes]) -> list[tuple[int, bytes]]:
    said = gateway.said(pieces)
    head, _, rest = said.partition(b"\r\n\r\n")
    hold(head.startswith(b"HTTP/1.1 101 "), "no stream", head)
    frames: list[tuple[int, bytes]] = []
    for opcode, payload in _frames(rest):
        if opcode == _CLOSE:
            code = int.from_bytes(payload[:2], "big")
            hold(code in _CLOSES, "closed with another code", code, payload)
            payload[2:].decode()
            payload = payload[:2]  # noqa: PLW2901  # of two reasons either may be told
        frames.append((opcode, _VARYING.sub(b"", payload)))
    pong = gateway.said(iter([get("/kato-api/ping")]))
    hold(pong.startswith(b"HTTP/1.1 200 "), "others are not answered", pong)
    return frames


def _frame(first: int, payload: bytes, mask: bytes = b"\0\0\0\0") -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + mask + payload


_SAID = [
    _frame(0x81, b'{"id":1,"method":"subscribe","processor":"p1","params":{}}'),
    _frame(0x81, b'{"id":1,"method":"observe","processor":"p1","params":{"strings":["a"]}}'),
    _frame(0x82, b"\x82\xa2id\x01\xa6method\xa4ping"),
    _frame(0x01, b'{"method"') + _frame(0x89, b"ping") + _frame(0x80, b':"ping"}'),
    _frame(0x88, b"\x03\xe8bye") + _frame(0x81, b"{}"),
    _frame(0x88, b"\x03") + _frame(0x88, b""),
    _frame(0xC1, b"\xaaV\xcaM-\xc9\xc8OQ\xb2R*\xc8\xccKW\xaa\x05\x00"),
    _frame(0x81, b"\xff\xfe") + _frame(0x8A, b""),
    b"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff\0\0\0\0",
    b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
    b"\x81\x02{}",
    b"\x89\xfe\x00\x80" + b"\0" * 132,
]

STREAMED = (
    Target(
        "frames",
        _stream,
        [bytes([kind]) + each for each in _SAID for kind in (0, 1, 2, 0x43)],
        [
            b"\x81\x80\0\0\0\0",
            b"\x01\x81\0\0\0\0a",
            b"\x80\x80\0\0\0\0",
            b"\xc1\xff",
            b"\x88\x82\0\0\0\0",
        ],
        512,
    ),
)
