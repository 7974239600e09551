"""Hostile documents of GraphQL: the worst that are carried out, and those that are refused."""

import json
import socket
from itertools import cycle
from threading import Event
from typing import Any

from tests.hostile.siege import KEY, LEAST_KEY, LEAST_KEYS, HostileCase, Siege
from tests.hostile.sockets import abort, connect
from tests.hostile.test_websocket import frame
from tests.websocket.plain import handshake

_MODELS = 300
_EVENTS = 20_000
"""As many events as short-term memory has after minutes of L{changes}."""
_SILENT = 200
_SOCKET = "Sec-WebSocket-Protocol: graphql-transport-ws"


def _request(query: str, key: str, **variables: Any) -> bytes:
    body = json.dumps({"query": query, "variables": variables}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    """The status and the body of the next answer."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += _piece(connection)
    head, _, body = said.partition(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"content-length: ")
    while len(body) < int(length.split(b"\r\n")[0]):
        body += _piece(connection)
    return int(head.split(b" ")[1]), body


def _piece(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise AssertionError("it hung up")
    return piece


def _asks(
    siege: Siege, over: Event, *documents: str, expected: bytes, key: str = LEAST_KEY
) -> None:
    """Ask by these, one after the other, each time by a text that is not known yet; see that each
    is answered, and how."""
    with connect(siege.port) as connection:
        for number, document in enumerate(cycle(documents)):
            connection.sendall(_request(f"{document} #{number}", key))
            status, body = _answer(connection)
            refused = b'"errors":' in body
            if expected not in body or (status == 400) != (refused and b'"data":' not in body):
                raise AssertionError(f"{document[:80]}: {status} {body[:200]!r}")
            if over.is_set() and number >= len(documents):
                return


def _named(number: int, field: str) -> str:
    """The same field under so many names."""
    return " ".join(f"a{each}: {field}" for each in range(number))


def aliases(siege: Siege, over: Event) -> None:
    """As many fields under other names as may be, of which each asks."""
    _asks(
        *(siege, over),
        f'{{ processor(id: "victim") {{ {_named(140, "predictions(limit: 3) { name }")} }} }}',
        f'{{ processor(id: "victim") {{ {_named(600, "shortTermMemory")} }} }}',
        "{ " + _named(140, "ping { timeStamp }") + " }",
        expected=b'"data":',
    )


def lists(siege: Siege, over: Event) -> None:
    """Lists in which something is asked of every entry, as long as may be."""
    _asks(
        *(siege, over),
        '{ processor(id: "victim") { models(limit: 450) { nodes { sequence emotives } } } }',
        '{ processor(id: "victim") { models(limit: 300) { nodes { explanation { because } } } } }',
        expected=b'"data":',
    )


def too_many(siege: Siege, over: Event) -> None:
    """More than may be: of what costs, and of what has the same name."""
    models = "models(limit: 1000) { nodes { explanation { because } } }"
    costly = f'{{ processor(id: "victim") {{ {_named(80, models)} }} }}'
    _asks(siege, over, costly, expected=b"query: it costs")
    _asks(siege, over, "{" + " ping { timeStamp }" * 200 + "}", expected=b"same name")


def deep(siege: Siege, over: Event) -> None:
    """Documents in which one lies in the other, those that mean something and those that do not."""
    models = "model { explanation { " * 200 + "model { name } " + "} } " * 200
    query = f'{{ processor(id: "victim") {{ model(name: "m") {{ explanation {{ {models} }} }} }} }}'
    types = "type { ofType { " * 150 + "name" + " } }" * 150
    _asks(
        *(siege, over),
        query,
        "{ __schema { types { fields { " + types + " } } } }",
        "{ a" * 900,
        "{ a(b: " + "[" * 1_500,
        "{ a(b: " + "{a: " * 600,
        "query ($a: " + "[" * 1_500,
        expected=b'"errors":',
    )


def large(siege: Siege, over: Event) -> None:
    """Documents of a megabyte: of words, remarks, blanks, and one name alone."""
    size = 2**20
    _asks(
        *(siege, over),
        "{" + " ping" * (size // 5) + "}",
        "{ ping { timeStamp } }" + "#\n" * (size // 2),
        "{ ping { timeStamp } }" + " " * size,
        "{ " + "a" * size + " }",
        '{ processor(id: "' + "\\u00e9" * (size // 6) + '") { id } }',
        expected=b'"errors":',
    )


def spread(siege: Siege, over: Event) -> None:
    """Fragments that spread each other: in a circle, all of them all others, and twice the next
    one, which would be billions of fields."""
    circle = "".join(
        f"fragment F{each} on Query {{ ...F{(each + 1) % 250} }} " for each in range(250)
    )
    some = range(28)
    everyone = "".join(
        f"fragment F{each} on Query {{ {' '.join(f'...F{other}' for other in some)} }} "
        for each in some
    )
    twice = "".join(
        f"fragment F{each} on Model {{ explanation {{ model {{ ...F{each + 1} }} "
        f"b: model {{ ...F{each + 1} }} }} }} "
        for each in range(80)
    )
    _asks(
        *(siege, over),
        f"{{ ...F0 }} {circle}",
        f"{{ ...F0 }} {everyone}",
        f'{{ processor(id: "victim") {{ model(name: "m") {{ ...F0 }} }} }} {twice}'
        "fragment F80 on Model { length }",
        expected=b'"errors":',
    )


def changes(siege: Siege, over: Event) -> None:
    """As many changes in a document as may be, of one who has the key, each with all that is
    remembered, which is more each time."""
    change = 'observe(processor: "many", observation: {strings: ["a", "b"]}) { shortTermMemory }'
    _asks(siege, over, f"mutation {{ {_named(80, change)} }}", expected=b'"data":', key=KEY)


def names(siege: Siege, over: Event) -> None:
    """One long list under as many names as may be, asked for in one go by many who read no
    answer, and by one who does."""
    document = f'{{ processor(id: "victim") {{ {_named(600, "shortTermMemory")} }} }}'
    silent = [connect(siege.port) for _ in range(_SILENT)]
    for number, connection in enumerate(silent):
        connection.sendall(_request(f"{document} # {number}", LEAST_KEYS[number % 2]))
    _asks(siege, over, document, expected=b'"data":', key=LEAST_KEYS[2])
    for connection in silent:
        abort(connection)


def _spoken(siege: Siege) -> socket.socket:
    """A WebSocket by C{graphql-transport-ws} on which a key was told."""
    connection = connect(siege.port)
    head = handshake(_SOCKET, f"X-API-Key: {LEAST_KEY}").replace("/ws", "/graphql", 1)
    connection.sendall(head.encode() + frame(0x81, b'{"type":"connection_init"}'))
    said = b""
    while b"connection_ack" not in said:
        said += _piece(connection)
    return connection


def operations(siege: Siege, over: Event) -> None:
    """Operations by the thousand on one WebSocket, whose results are not read."""
    query = f'{{ processor(id: "victim") {{ {_named(40, "models(limit: 5) { total }")} }} }}'
    while not over.is_set():
        connection = _spoken(siege)
        connection.settimeout(0.5)
        try:
            for number in range(5_000):
                if over.is_set():
                    break
                payload = {"query": f"{query} #{number}"}
                message = {"id": str(number), "type": "subscribe", "payload": payload}
                connection.sendall(frame(0x81, json.dumps(message).encode()))
        except OSError:
            over.wait(0.05)
        abort(connection)


class DocumentTests(HostileCase):
    """Who asks by documents that are made to cost."""

    def setUp(self) -> None:
        super().setUp()
        for each in range(_MODELS):
            observations = [{"strings": [f"a{each}", "b"]}, {"strings": ["c"]}]
            body = {"observations": observations, "learn_at_end": True}
            self.siege.ask("POST", "/victim/observe-sequence", body)

    def test_carried_out(self) -> None:
        """Names without end, long lists and many changes, as far as limits allow them, are hardly
        noticed by others."""
        for attack in (aliases, lists, changes, operations):
            self.withstands(attack)

    def test_refused(self) -> None:
        """So are documents that cost too much, are deep or large, or whose fragments spread each
        other: they are refused before anything is asked."""
        for attack in (too_many, deep, large, spread):
            self.withstands(attack)


class AnswerTests(HostileCase):
    """Who asks briefly for what is long."""

    def setUp(self) -> None:
        super().setUp()
        body = {"observations": [{"strings": ["a", "b"]}] * 2_000, "brief": True}
        for path in ("/victim/observe-sequence", "/many/observe-sequence"):
            for _ in range(_EVENTS // 2_000):
                self.siege.ask("POST", path, body)

    def test_long(self) -> None:
        """An answer takes no more room than it may, and no more do all of them together, however
        long what is asked for has become."""
        for attack in (changes, names):
            self.withstands(attack)
