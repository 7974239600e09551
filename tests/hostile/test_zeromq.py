"""Hostile clients of ZeroMQ, with sockets of libzmq's own and without."""

import contextlib
import os
import select
import socket
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import msgpack
import zmq

from tests.hostile.siege import KEY, WRONG_KEY, HostileCase, Siege
from tests.hostile.sockets import abort, connect, connections
from tests.live.server import PATIENCE

_GREETING = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00NULL" + b"\0" * 48
_PING = msgpack.packb({"method": "ping"})
_WRONG = msgpack.packb({"method": "get_status", "processor": "victim", "api_key": WRONG_KEY})


@contextmanager
def dealer(siege: Siege, port: int = 0, kind: int = zmq.DEALER, **options: int) -> Iterator[Any]:
    """A socket that speaks to the server."""
    context = zmq.Context()
    made: Any = context.socket(kind)
    for name, value in {
        "LINGER": 0,
        "RCVTIMEO": int(1000 * PATIENCE),
        "SNDTIMEO": 200,
        **options,
    }.items():
        made.setsockopt(getattr(zmq, name), value)
    made.connect(f"tcp://127.0.0.1:{port or siege.zmq_port}")
    try:
        yield made
    finally:
        context.destroy(linger=0)


def _asked(siege: Siege, over: Event, *messages: list[bytes]) -> None:
    """Send messages one after the other, and read what each is answered."""
    with dealer(siege) as client:
        while not over.is_set():
            for frames in messages:
                client.send_multipart(frames)
                answer = msgpack.unpackb(client.recv_multipart()[-1])
                if answer["status"] != "error":
                    raise AssertionError(answer)
                if over.is_set():
                    return


def _poured(siege: Siege, over: Event, frames: list[bytes], **options: int) -> None:
    """Send the same as often as it is taken, and read nothing."""
    with dealer(siege, SNDHWM=1000, **options) as client:
        while not over.is_set():
            try:
                for _ in range(500):
                    client.send_multipart(frames, zmq.NOBLOCK)
            except zmq.Again:
                over.wait(0.01)


def garbage(siege: Siege, over: Event) -> None:
    """What is not ZeroMQ at all."""
    http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    while not over.is_set():
        for raw in (
            http,
            os.urandom(4096),
            b"\xff" * 65536,
            b"\0" * 65536,
            _GREETING + b"\xff" * 999,
        ):
            connection = connect(siege.zmq_port)
            with contextlib.suppress(OSError):  # it may be seen for what it is before it ends
                connection.sendall(raw)
            abort(connection)


def half_handshakes(siege: Siege, over: Event) -> None:
    """Connections that greet, and then say no more."""
    with connections(siege.zmq_port, 500) as made:
        for number, each in enumerate(made):
            each.sendall(_GREETING[: number % 65])
        over.wait()


def flood(siege: Siege, over: Event) -> None:
    """Pings as fast as they are taken, of which no answer is read."""
    _poured(siege, over, [b"1", _PING], RCVHWM=1)


def keyless_flood(siege: Siege, over: Event) -> None:
    """Requests with a wrong key, as fast as they are taken."""
    _poured(siege, over, [b"1", _WRONG], RCVHWM=1)


def long_envelopes(siege: Siege, over: Event) -> None:
    """Messages of thousands of frames, all but the last of which must be given back."""
    _poured(siege, over, [b""] * 5_000 + [_PING], RCVHWM=1)


def giant_envelopes(siege: Siege, over: Event) -> None:
    """Messages whose other frames are large."""
    _poured(siege, over, [b"x" * 2**20, _PING], RCVHWM=1)


def bombs(siege: Siege, over: Event) -> None:
    """What is small and says that it is large, or becomes it, or is deep."""
    packed = [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xffx",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x03",
        b"\xdc\xff\xff" + b"\xdc\xff\xff" * 10_000,
        b"\x91" * 2**20,
        b"\x81\xa1a" * 2**18,
        msgpack.packb(msgpack.ExtType(3, zlib.compress(b"\xc0" * 2**27))),
        msgpack.packb(msgpack.ExtType(3, zlib.compress(b"\x91" * 2**23))),
        msgpack.packb(msgpack.ExtType(3, zlib.compress(b"\xdd\0\xf0\0\0" + b"\xc0" * 0xF00000))),
        msgpack.packb({"method": "observe", "params": {"x": msgpack.ExtType(2, b"9" * 2**20)}}),
        msgpack.packb({"method": "observe", "params": {"x": msgpack.ExtType(1, b"[" * 2**20)}}),
        b"\x82\xa6method\xa2\xff\xfe\xa9processor\xa2\xc3\x28",
    ]
    _asked(siege, over, *([each] for each in packed))


def giants(siege: Siege, over: Event) -> None:
    """Messages as large as may be sent, without a key."""
    half = 8 * 2**20
    numbers = b"\x81\xa1x\xdd" + half.to_bytes(4, "big") + b"\0" * half
    words = b"\x81\xa1x\xdd" + (half // 2).to_bytes(4, "big") + b"\xa1a" * (half // 2)
    _asked(siege, over, [numbers], [words], [b"\0" * 17 * 2**20])


def subscriptions(siege: Siege, over: Event) -> None:
    """Subscriptions to whatever events may begin with, by the thousand."""
    with dealer(siege, siege.events_port, zmq.SUB) as subscriber:
        number = 0
        while not over.is_set():
            for _ in range(500):
                number += 1
                subscriber.setsockopt(zmq.SUBSCRIBE, b"secret/p%d/learning" % number)
            over.wait(0.01)


def _shake(made: Sequence[socket.socket], kind: bytes = b"DEALER") -> None:
    """Have all of them shake hands that are let in."""
    body = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    for each in made:
        with contextlib.suppress(OSError):
            each.sendall(_GREETING + b"\x04" + bytes([len(body)]) + body)
    for each in made:
        heard = b"begins"
        with contextlib.suppress(OSError):
            while heard and b"READY" not in heard:
                heard = each.recv(4096)


def half_frames(siege: Siege, over: Event) -> None:
    """Messages so long that they are just taken, the end of which never comes."""
    size = 90 * 2**20
    with connections(siege.zmq_port, 4) as made:
        _shake(made[::2])
        for each in made[1::2]:
            each.sendall(_GREETING)
        for each in made:
            each.sendall(b"\x02" + size.to_bytes(8, "big"))
        _poured_raw(made, b"x" * 2**20, size - 2**20, over)
        over.wait()


def _poured_raw(made: Sequence[socket.socket], data: bytes, most: float, over: Event) -> None:
    """Send the same on all connections as fast as they take it, so many bytes on each."""
    left = dict.fromkeys(made, most)
    places = dict.fromkeys(made, 0)
    for each in made:
        each.setblocking(False)  # a partial send would be lost in a timeout
    while left and not over.is_set():
        _, ready, _ = select.select([], list(left), [], 0.05)
        for each in ready:
            try:
                sent = each.send(memoryview(data)[places[each] :])
            except OSError:
                del left[each]
                continue
            places[each] = (places[each] + sent) % len(data)
            left[each] -= sent
            if left[each] <= 0:
                del left[each]


def raw_subscriptions(siege: Siege, over: Event) -> None:
    """Subscriptions faster than anybody can read them, all of them to something else, of some who
    come again as soon as they are sent away."""
    message = b"".join(b"\0\xff\x01" + os.urandom(254) for _ in range(2_000))
    while not over.is_set():
        with connections(siege.events_port, 4) as made:
            _shake(made, b"SUB")
            _poured_raw(made, message, float("inf"), over)


def subscribing_crowd(siege: Siege, over: Event) -> None:
    """Many who have come quietly, and then subscribe all at once."""
    message = b"".join(b"\0\x09\x01" + os.urandom(8) for _ in range(5_000))
    while not over.is_set():
        with connections(siege.events_port, 900) as made:
            _shake(made, b"SUB")
            for each in made:
                each.setblocking(False)
                with contextlib.suppress(OSError):
                    each.send(message)
            over.wait(0.5)


def unread_answers(siege: Siege, over: Event) -> None:
    """Requests without a key, with as much to give back as may be, of which no answer is read."""
    envelope = b"\x03" + (4000).to_bytes(8, "big") + b"x" * 4000
    asked = msgpack.packb({"method": "get_status", "processor": "victim"})
    with connections(siege.zmq_port, 50) as made:
        _shake(made)
        _poured_raw(made, (envelope + bytes([0, len(asked)]) + asked) * 100, float("inf"), over)


def idle_crowd(siege: Siege, over: Event) -> None:
    """Thousands who shake hands, and ask nothing."""
    with connections(siege.zmq_port, 3000) as made:
        _shake(made)
        over.wait()


class ZeroMQTests(HostileCase):
    """At the port of the ROUTER, and at that of events."""

    def test_strangers(self) -> None:
        """What is no ZeroMQ, and handshakes that break off, are hardly noticed by others."""
        for attack in (garbage, half_handshakes, subscriptions):
            self.withstands(attack)

    def test_floods(self) -> None:
        """Nor are floods, of which no answer is read."""
        for attack in (flood, keyless_flood, long_envelopes, giant_envelopes):
            self.withstands(attack)

    def test_bombs(self) -> None:
        """What says that it is large, becomes it, is it, or is deep, is refused."""
        for attack in (bombs, giants):
            self.withstands(attack)

    def test_memory(self) -> None:
        """What nobody reads does not gather, however many send it."""
        for attack in (half_frames, unread_answers, idle_crowd):
            self.withstands(attack)

    def test_subscriptions(self) -> None:
        """Nor do subscriptions, however often those come again who are sent away for them."""
        for attack in (raw_subscriptions, subscribing_crowd):
            self.withstands(attack)

    def test_guessing(self) -> None:
        """Who has no key is told the same of what exists as of what does not."""
        with dealer(self.siege) as client:
            for method in ("get_status", "learn", "delete_processor"):
                heard = set()
                for name in ("victim", "ghosts"):
                    asked = {"method": method, "processor": name, "api_key": WRONG_KEY}
                    client.send(msgpack.packb(asked))
                    answer = msgpack.unpackb(client.recv())
                    self.assertEqual(answer.pop("processor", name), name)
                    answer.pop("time_stamp")
                    heard.add(str(answer))
                self.assertEqual(len(heard), 1, heard)
        self.assertEqual(self.siege.ask("GET", "/victim/status")["events"], 1)
        self.assertNotIn(KEY, "\n".join(self.siege.server.log))
