"""Hostile clients of WebSocket."""

import contextlib
import socket
import struct
import zlib
from collections.abc import Iterator
from threading import Event

import msgpack

from tests.hostile.siege import KEY, HostileCase, Siege
from tests.hostile.sockets import abort, connect, connections, many_files, pour
from tests.websocket.deflating import tables
from tests.websocket.plain import handshake

_DEFLATES = "Sec-WebSocket-Extensions: permessage-deflate"
_KEYED = f"X-API-Key: {KEY}"
_MASK = b"\0\0\0\0"
_SOME = 200
_BOMBERS = 6
_TRY_LATER = 1013
_CLOSE = 0x88
_PING = 0x89


def frame(first: int, payload: bytes, *, masked: bool = True) -> bytes:
    """A frame of a client; its mask changes nothing."""
    size, bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + (_MASK if masked else b"") + payload


def bomb(payload: bytes) -> bytes:
    """A message as permessage-deflate sends it."""
    deflating = zlib.compressobj(9, zlib.DEFLATED, -15)
    short = deflating.compress(payload) + deflating.flush(zlib.Z_SYNC_FLUSH)
    return short.removesuffix(b"\0\0\xff\xff")


def opened(siege: Siege, *headers: str) -> socket.socket:
    """A connection that is a WebSocket."""
    connection = connect(siege.port)
    connection.sendall(handshake(*headers).encode())
    said = b""
    while b"\r\n\r\n" not in said:
        piece = connection.recv(4096)
        if not piece:
            raise AssertionError(said)
        said += piece
    if not said.startswith(b"HTTP/1.1 101 "):
        raise AssertionError(said)
    return connection


def closed(connection: socket.socket) -> int | None:
    """The code of the closing frame that comes; C{None}: the connection ends without one."""
    said = b""
    with connection, contextlib.suppress(OSError):
        while piece := connection.recv(65536):
            said += piece
            for first, payload in _frames(said):
                if first == _CLOSE:
                    return int.from_bytes(payload[:2], "big")
    return None


def _told(connection: socket.socket) -> tuple[int, bytes]:
    """The first byte and the payload of the next frame that is no ping."""
    said = b""
    while True:
        for first, payload in _frames(said):
            if first != _PING:
                return first, payload
        piece = connection.recv(65536)
        if not piece:
            raise AssertionError(said)
        said += piece


def _frames(said: bytes) -> Iterator[tuple[int, bytes]]:
    """The first byte and the payload of each frame of a server that is there whole."""
    at = 0
    while at + 2 <= len(said):
        first, size = said[at], said[at + 1]
        width = {126: 2, 127: 8}.get(size, 0)
        begin = at + 2 + width
        length = int.from_bytes(said[at + 2 : begin], "big") if width else size
        if len(said) < begin + length:
            return
        yield first, said[begin : begin + length]
        at = begin + length


def _poured(siege: Siege, over: Event, raw: bytes, *headers: str, pause: float = 0.0) -> None:
    """Send the same, on one connection after the other, for as long as each takes it."""
    while not over.wait(pause):
        connection = opened(siege, *headers)
        pour(connection, raw, over)
        abort(connection)


def guests(siege: Siege, over: Event) -> None:
    """Many who tell no key, and say nothing."""
    many_files()
    made = [opened(siege) for _ in range(_SOME)]
    over.wait()
    for each in made:
        each.close()


def fragments(siege: Siege, over: Event) -> None:
    """A message in frames of one byte, by the million."""
    _poured(siege, over, frame(0x01, b"[") + frame(0x00, b" ") * 20_000)


def empty_fragments(siege: Siege, over: Event) -> None:
    """A message in frames of nothing, by the million."""
    _poured(siege, over, frame(0x01, b"") + frame(0x00, b"") * 20_000, _KEYED)


def tiny(siege: Siege, over: Event) -> None:
    """Messages of next to nothing, none of which is a request."""
    _poured(siege, over, frame(0x81, b"{}") * 10_000)


def tiny_requests(siege: Siege, over: Event) -> None:
    """Requests of one who has the key, as many as are taken, whose answers are not read."""
    _poured(siege, over, frame(0x81, b'{"id":1,"method":"ping"}') * 5_000, _KEYED)


def pings(siege: Siege, over: Event) -> None:
    """Pings, whose pongs are not read."""
    _poured(siege, over, frame(0x89, b"x" * 125) * 5_000)


def pongs(siege: Siege, over: Event) -> None:
    """Pongs that nobody asked for."""
    _poured(siege, over, frame(0x8A, b"") * 10_000)


def bombs(siege: Siege, over: Event) -> None:
    """Messages that are a thousand times larger than they come."""
    raw = frame(0xC1, bomb(b"[" + b" " * (64 * 2**20)))
    while not over.is_set():
        for headers in ((_DEFLATES,), (_DEFLATES, _KEYED)):
            connection = opened(siege, *headers)
            connection.settimeout(5.0)
            with contextlib.suppress(OSError):
                connection.sendall(raw)
            code = closed(connection)
            if code not in (1009, None):
                raise AssertionError(code)


def quiet_bombs(siege: Siege, over: Event) -> None:
    """Bombs of a size that is taken, from one who has the key, on several connections at once: as
    many as his share holds are answered, the others closed until there is room."""
    raw = frame(0xC1, bomb(b'{"id":1,"method":"ping","params":' + b" " * (15 * 2**20) + b"{}}"))
    made = [opened(siege, _DEFLATES, _KEYED) for _ in range(_BOMBERS)]
    while not over.is_set():
        for each in made:
            each.sendall(raw)
        answered = 0
        for place, each in enumerate(made):
            first, payload = _told(each)
            if b'"id":1' in payload:
                answered += 1
            elif (first, payload[:2]) == (_CLOSE, _TRY_LATER.to_bytes(2, "big")):
                each.close()
                made[place] = opened(siege, _DEFLATES, _KEYED)
            else:
                raise AssertionError(payload)
        if not answered:
            raise AssertionError("no answer")
    for each in made:
        each.close()


def duds(siege: Siege, over: Event) -> None:
    """What is compressed and makes nothing but tables, from those who have told no key."""
    _poured(siege, over, frame(0x41, tables(60_000)) + frame(0x00, tables(4_000)), _DEFLATES)


def deep(siege: Siege, over: Event) -> None:
    """JSON and MessagePack that are nested as deep as they are long."""
    while not over.is_set():
        for protocol, first, payload in (
            ("kato.v1.json", 0x81, b"[" * 60_000),
            ("kato.v1.msgpack", 0x82, b"\x91" * 60_000),
            ("kato.v1.msgpack", 0x82, b"\xdd\xff\xff\xff\xff"),
            ("kato.v1.msgpack", 0x82, b"\xdf\xff\xff\xff\xff"),
            ("kato.v1.msgpack", 0x82, b"\xc9\xff\xff\xff\xff\x03"),
        ):
            with opened(siege, f"Sec-WebSocket-Protocol: {protocol}", _KEYED) as connection:
                connection.sendall(frame(first, payload))
                if b"INVALID_REQUEST" not in _told(connection)[1]:
                    raise AssertionError(payload[:9])


def unread_events(siege: Siege, over: Event) -> None:
    """Readers who subscribe to all and read nothing."""
    many_files()
    said = frame(0x81, b'{"method":"subscribe","processor":"friend"}')
    made = [opened(siege, _KEYED) for _ in range(100)]
    for each in made:
        each.sendall(said)
    over.wait()
    for each in made:
        abort(each)


def subscriptions(siege: Siege, over: Event) -> None:
    """One who has the key subscribes to whatever there may be."""
    with opened(siege, _KEYED) as connection:
        connection.settimeout(0.5)
        number = 0
        with contextlib.suppress(OSError):
            while not over.is_set():
                number += 1
                request = f'{{"id":1,"method":"subscribe","processor":"p{number}"}}'
                connection.sendall(frame(0x81, request.encode()))
                connection.recv(65536)


def half_shaken(siege: Siege, over: Event) -> None:
    """Handshakes that break off, or are followed by what is no frame."""
    head = handshake().encode()
    with connections(siege.port, _SOME) as made:
        for number, each in enumerate(made):
            each.sendall(head[: number % len(head)] if number % 2 else head + b"\xff" * 50)
        over.wait()


class FloodTests(HostileCase):
    """Who sends more than anybody should."""

    def test_guests(self) -> None:
        """Those who have told no key do not keep others waiting: by being many, by fragments, tiny
        messages, pings and pongs, or by handshakes that are none."""
        for attack in (guests, half_shaken, fragments, tiny, pings, pongs):
            self.withstands(attack)

    def test_members(self) -> None:
        """Nor does one who has the key, by requests or events that it does not read, subscriptions
        by the thousand, or fragments of nothing."""
        for attack in (empty_fragments, tiny_requests, unread_events, subscriptions):
            self.withstands(attack)

    def test_bombs(self) -> None:
        """What becomes large, or is deep, is refused before it costs much."""
        for attack in (bombs, quiet_bombs, duds, deep):
            self.withstands(attack)


def _malformed() -> Iterator[tuple[bytes, set[int | None]]]:
    yield frame(0x81, b"{}", masked=False), {1002}
    yield frame(0xA1, b"{}"), {1002}
    yield frame(0xC1, b"{}"), {1002}
    yield frame(0x83, b"{}"), {1002}
    yield frame(0x8B, b""), {1002}
    yield frame(0x80, b"{}"), {1002}
    yield frame(0x09, b"ping"), {1002}
    yield frame(0x89, b"x" * 126), {1002}
    yield frame(0x01, b"{") + frame(0x81, b"}"), {1002}
    yield frame(0x81, b"\xff\xfe"), {1007}
    yield frame(0x01, b"\xc3") + frame(0x80, b"\x28"), {1007}
    yield frame(0x81, b"\xed\xa0\x80"), {1007}
    yield frame(0x82, b"{}"), {1003}
    yield frame(0x81, b"x" * 2**17), {1009}
    yield b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + _MASK, {1002, 1009}
    yield b"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff" + _MASK, {1009}
    yield frame(0x88, b"\x03"), {1002}
    yield frame(0x88, b"\x03\xe7"), {1002}
    yield frame(0x88, b"\x03\xe8\xff\xff"), {1002, 1007}
    yield b"GET / HTTP/1.1\r\n\r\n", {1002}


class MalformedTests(HostileCase):
    """Frames that are none."""

    def test_closed(self) -> None:
        """Each is answered with a closing frame that says why, and others hear nothing of it."""
        for raw, codes in _malformed():
            connection = opened(self.siege)
            connection.sendall(raw)
            self.assertIn(closed(connection), codes, raw[:40])
        self.assertEqual(self.siege.ask("GET", "/victim/status")["events"], 1)

    def test_invalid_requests(self) -> None:
        """What is no request is answered by an error, and the connection stays."""
        protocol = "Sec-WebSocket-Protocol: kato.v1.msgpack"
        with opened(self.siege, protocol, _KEYED) as connection:
            for body in (
                b"\xc1",
                b"",
                msgpack.packb({"method": b"learn"}),
                b"\x81\xa6method\xa2\xff\xfe",
                msgpack.packb({"id": msgpack.ExtType(3, zlib.compress(b"x" * 2**20))}),
            ):
                connection.sendall(frame(0x82, body))
                self.assertIn(b"INVALID_REQUEST", _told(connection)[1], body)
            connection.sendall(frame(0x82, msgpack.packb({"method": "ping"})))
            self.assertIn(b"pong", _told(connection)[1])
