"""HTTP clients that send slowly, too much, or nothing at all."""

import contextlib
import json
import socket
from itertools import cycle
from threading import Event

from tests.hostile.siege import KEY, LEAST_KEYS, HostileCase, Siege
from tests.hostile.sockets import abort, connect, connections, drip, exchanged, pour

_MANY = 2_000
_SOME = 200
_LARGEST = 16 * 2**20
"""Bytes that a message may have at most."""
_QUIET = 0.05
"""Seconds after which one goes on who has an answer."""
_HEAD = (
    "POST /{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "{}Content-Length: {}\r\n\r\n"
)


def _head(path: str, length: int, *, key: str | None = None) -> bytes:
    told = "" if key is None else f"X-API-Key: {key}\r\n"
    return _HEAD.format(path, told, length).encode()


def slow_heads(siege: Siege, over: Event) -> None:
    """Heads that come byte by byte and never end."""
    with connections(siege.port, _SOME) as made:
        drip(made, b"GET /live HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 40, over)


def slow_bodies(siege: Siege, over: Event) -> None:
    """Bodies that come byte by byte."""
    with connections(siege.port, _SOME) as made:
        for each in made:
            each.sendall(_head("victim/observe", 2**20, key=KEY))
        drip(made, b'{"strings": ["a"], ', over)


def almost_whole(siege: Siege, over: Event) -> None:
    """Bodies of the largest size, of which the last byte never comes, of some who may do nothing
    but read; longer bodies of others come in meanwhile."""
    almost = b" " * (_LARGEST - 1)
    with connections(siege.port, 16 * len(LEAST_KEYS)) as made:
        for each, key in zip(made, cycle(LEAST_KEYS), strict=False):
            each.settimeout(1.0)
            with contextlib.suppress(OSError):
                each.sendall(_head("graphql", _LARGEST, key=key) + almost)
        if sum(map(_is_waited_for, made)) < len(LEAST_KEYS):
            raise AssertionError("hardly one of these bodies is waited for")
        answer = siege.ask("POST", "/friend/observe", {"metadata": {"long": "x" * 300_000}})
        if answer["status"] != "okay":
            raise AssertionError(answer)
        over.wait()


def _is_waited_for(connection: socket.socket) -> bool:
    """Whether nothing was answered, and the connection is open."""
    connection.settimeout(0.1)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    except OSError:
        return False
    return False


def half_open(siege: Siege, over: Event) -> None:
    """Connections that say nothing, or that they say nothing more, or that are gone."""
    while not over.is_set():
        with connections(siege.port, _SOME) as made:
            for number, each in enumerate(made):
                if number % 3 == 0:
                    with contextlib.suppress(OSError):
                        each.sendall(b"GET /li")
                        each.shutdown(socket.SHUT_WR)
                elif number % 3 == 1:
                    abort(each)
            over.wait(0.1)


def idle(siege: Siege, over: Event) -> None:
    """Thousands of connections on which nothing happens."""
    with connections(siege.port, _MANY):
        over.wait()


def idle_behind_answers(siege: Siege, over: Event) -> None:
    """Thousands that were answered once, and stay."""
    with connections(siege.port, _MANY) as made:
        for each in made:
            each.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        over.wait()


def churn(siege: Siege, over: Event) -> None:
    """Connections that come and go."""
    while not over.is_set():
        connection = connect(siege.port)
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        abort(connection)


def giant_heads(siege: Siege, over: Event) -> None:
    """Heads of a megabyte, in one line or in many."""
    line = b"GET /" + b"a" * 2**20
    many = b"GET /live HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 2**17
    refused = 0
    while not over.is_set():
        for raw in (line, many):
            said = exchanged(siege.port, raw)
            if said and b" 431 " not in said.partition(b"\r\n")[0]:
                raise AssertionError(said[:200])
            refused += bool(said)
    if not refused:
        raise AssertionError("nobody was told that the head is too large")


def pipelined(siege: Siege, over: Event) -> None:
    """Thousands of requests at once, of which no answer is read."""
    flood = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500
    with connections(siege.port, 50) as made:
        while not over.is_set():
            for each in made:
                each.setblocking(False)
                with contextlib.suppress(OSError):
                    each.send(flood)
            over.wait(0.01)


def refused_bodies(siege: Siege, over: Event) -> None:
    """Bodies of who has no key: they are refused by their heads, and poured on."""
    while not over.is_set():
        with connect(siege.port) as connection:
            connection.sendall(_head("victim/observe", _LARGEST))
            said = connection.recv(4096)
            if b" 401 " not in said.partition(b"\r\n")[0]:
                raise AssertionError(said[:200])
            ended = Event()
            for _ in range(20):
                pour(connection, b"x" * 2**16, ended)
                if over.wait(0.01):
                    return
                ended.set()


def refused_by_the_thousand(siege: Siege, over: Event) -> None:
    """Requests without a key, and with a wrong one, as many as can be sent; those with a wrong one
    are answered late, which nobody waits for here."""
    head = b"GET /victim/status HTTP/1.1\r\nHost: localhost\r\n"
    raw = (head + b"\r\n") * 50 + (head + b"X-API-Key: wrong\r\n\r\n") * 50
    while not over.is_set():
        if b" 401 " not in exchanged(siege.port, raw, quiet=_QUIET):
            raise AssertionError("nobody was refused")


def _bodies(siege: Siege, over: Event, *bodies: bytes) -> None:
    """Post bodies with the key, one after the other: each is refused, or is none."""
    while not over.is_set():
        for body in bodies:
            raw = _head("victim/observe", len(body), key=KEY) + body
            said = exchanged(siege.port, raw, quiet=_QUIET)
            status = said.partition(b"\r\n")[0]
            if not any(code in status for code in (b" 400 ", b" 409 ", b" 413 ", b" 429 ")):
                raise AssertionError(status)
            if over.is_set():
                return


def deep_json(siege: Siege, over: Event) -> None:
    """JSON that is nested as deep as it is long."""
    _bodies(siege, over, b"[" * 2**20, b'{"a":' * 2**18, b'{"metadata":' + b"[" * 2**20)


def giant_json(siege: Siege, over: Event) -> None:
    """JSON as large as may be sent: numbers, strings, keys, and one string alone."""
    half = 8 * 2**20
    _bodies(
        siege,
        over,
        b'{"x":[' + b"0," * (half // 2) + b"0]}",
        b'{"x":[' + b'"a",' * (half // 4) + b'"a"]}',
        json.dumps({f"k{number}": 0 for number in range(400_000)}).encode(),
        b'{"x":"' + b"\\u00e9" * (half // 6) + b'"}',
        b'{"x":' + b"9" * half + b"}",
    )


class SlowTests(HostileCase):
    """Who sends slowly, or not at all."""

    def test_withstands(self) -> None:
        """Slow heads and bodies, connections that are half open, idle by the thousand, or that come
        and go, are hardly noticed by others."""
        attacks = (slow_heads, slow_bodies, half_open, idle, idle_behind_answers, churn)
        for attack in attacks:
            self.withstands(attack)


class FloodTests(HostileCase):
    """Who sends too much."""

    def test_strangers(self) -> None:
        """Giant heads and floods of requests from those who have no key are hardly noticed."""
        attacks = (giant_heads, pipelined, refused_bodies, refused_by_the_thousand)
        for attack in attacks:
            self.withstands(attack)

    def test_bodies(self) -> None:
        """So are giant and deep bodies of one who has the key, and those of which the end is
        missing."""
        for attack in (deep_json, giant_json, almost_whole):
            self.withstands(attack)
