"""HTTP as bytes of a connection, beside h11, which reads it as a proxy may; and the parts of a head
by themselves."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import h11

from kato.commands import Command
from kato.errors import KatoError
from kato.protocols.rest.access import Access, Headers, given_keys, parse_authority
from kato.protocols.rest.target import parse_query, parse_target
from kato.protocols.websocket.handshake import Handshake
from tests.fuzz.laws import taken
from tests.fuzz.target import Target, hold
from tests.rest.malformed import MALFORMED
from tests.rest.talking import Client, Server, Wire, get, post, request

_VARYING = re.compile(rb'("time_stamp":[0-9.]+|X-Request-ID: [^\r]*|Date: [^\r]*)', re.I)
_STATUSES = frozenset({200, 201, 206, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 431})
_PATIENCE = 400
"""Seconds after which every request has come in whole or is given up."""


class _Talk:
    """What a server made of bytes that came in some pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        server = Server()
        client: Client = server.connect(Wire())
        for piece in pieces:
            if client.wire.disconnecting or client.wire.aborted:
                break
            client.send(piece)
        while server.clock.getDelayedCalls() and not client.wire.disconnected:
            server.clock.advance(10)
            if server.clock.seconds() > 1_000_000 + _PATIENCE:
                break
        self.commands: list[Command] = server.asked.commands
        self.said = client.wire.value()
        client.leave()
        hold(server.site.connections == 0, "a connection is not forgotten")

    @property
    def lasting(self) -> bytes:
        """What was said, but for what is never the same."""
        return _VARYING.sub(b"", self.said)


def _http(data: bytes) -> None:
    """The same bytes, however they come in pieces, are the same requests; none that h11 does not
    see, and each answer is one."""
    if len(data) < 2:
        return
    size, raw = data[0] + 1, data[1:]
    whole = _Talk(iter([raw]))
    statuses = [status for status, _ in _answers(whole.said)]
    hold(set(statuses) <= _STATUSES, "an answer of no such status", statuses)
    for step in {1, size}:
        pieces = _Talk(raw[at : at + step] for at in range(0, len(raw), step))
        hold(pieces.commands == whole.commands, "other commands in pieces", step)
        hold(pieces.lasting == whole.lasting, "other answers in pieces", step, pieces.lasting)
    seen = _seen_by_h11(raw)
    if seen is not None:
        hold(len(whole.commands) <= seen, "more requests than h11 sees", seen, whole.commands)
        hold(len(statuses) <= seen + 1, "more answers than h11 sees requests", seen, statuses)


def _answers(said: bytes) -> Iterator[tuple[int, Any]]:
    """The answers in what was said: with their bodies, if they are not to C{HEAD}."""
    while said:
        start, found, said = said.partition(b"\r\n\r\n")
        hold(bool(found) and start.startswith(b"HTTP/1.1 "), "no answer", start[:200])
        status = int(start[9:12])
        names = [line.partition(b":")[0].lower() for line in start.split(b"\r\n")[1:]]
        hold(len(set(names)) == len(names), "a header stands twice", start)
        if status == 100:
            continue
        length = int(start.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        if said.startswith(b"HTTP/1.1 ") or not said:
            yield status, None
            continue
        body, said = said[:length], said[length:]
        hold(len(body) == length, "an answer is cut off", length, body)
        if b"content-type: application/json" in start.lower() and status != 304:
            yield status, json.loads(body)
        else:
            yield status, body


def _seen_by_h11(raw: bytes) -> int | None:
    """How many whole requests h11 sees; C{None}: it would hand nothing on, or cannot say."""
    proxy = h11.Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)
    proxy.receive_data(raw)
    seen = 0
    try:
        while True:
            event = proxy.next_event()
            if isinstance(event, h11.Request) and event.method in (b"CONNECT", b"HEAD"):
                return None
            if isinstance(event, h11.EndOfMessage):
                seen += 1
                proxy.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                proxy.send(h11.EndOfMessage())
                if proxy.our_state is not h11.DONE:
                    return seen
                proxy.start_next_cycle()
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return seen
    except h11.RemoteProtocolError:
        return None


def _target(data: bytes) -> None:
    target = taken(parse_target, data)
    if target is None:
        return
    again = parse_target(b"/" + "/".join(map(_quoted, target.segments)).encode())
    hold(again.segments == target.segments, "a path reads back as another", target)
    hold(all("\0" not in each for each in target.segments), "a NUL in a path", target)
    pairs = taken(parse_query, target.query)
    if pairs is not None:
        written = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)
        hold(
            parse_query(written.encode()) in (pairs, ()) or ("", "") in pairs,
            "another query",
            pairs,
        )


def _quoted(word: str) -> str:
    return quote_from_bytes(word.encode(), safe="")


def _authority(data: bytes) -> None:
    """No host is a name of this server that is not one, and a page from it is at home."""
    access = Access(hosts=frozenset({"kato.example"}), origins=frozenset({b"https://page.example"}))
    authority = parse_authority(data)
    if authority is not None:
        hold(authority.port is None or 0 <= authority.port < 10**5, "no port", authority)
        hold(parse_authority(data.upper()) == authority, "another host in capitals", data)
    known = False
    tries: tuple[Headers, ...] = (
        {b"Host": [data]},
        {b"Host": [b"localhost"], b"Origin": [data]},
        {b"Host": []},
    )
    for headers in tries:
        try:
            access.check_host(headers, version=b"HTTP/1.1", local="192.0.2.7")
            known = known or headers[b"Host"] == [data]
        except KatoError as error:
            hold(error.http_status in (400, 403), "another refusal", error)
    if known:
        assert authority is not None
        ours = authority.name in ("localhost", "kato.example", "192.0.2.7")
        hold(ours or authority.loopback, "a foreign name is known", data)
    given_keys({b"X-Api-Key": [data], b"Authorization": [data]})


_FIELDS = (
    b"Upgrade",
    b"Connection",
    b"Sec-Websocket-Version",
    b"Sec-Websocket-Key",
    b"Sec-Websocket-Protocol",
    b"Sec-Websocket-Extensions",
)


def _handshake(data: bytes) -> None:
    """Values of headers, one to a line; one that begins with a dash is another of the same."""
    headers: dict[bytes, list[bytes]] = {}
    names = iter(_FIELDS)
    for line in data.split(b"\n"):
        if line.startswith(b"-") and headers:
            headers[list(headers)[-1]].append(line[1:])
        elif (name := next(names, None)) is not None:
            headers[name] = [line]
    handshake = taken(Handshake.parse, headers)
    if handshake is not None:
        head = handshake.head()
        hold(head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1, "two heads", head)
        hold(head.count(b"\n") == head.count(b"\r\n"), "a bare line end", head)


_SHAKEN = b"\n".join(
    [
        b"websocket",
        b"keep-alive, Upgrade",
        b"13",
        b"dGhlIHNhbXBsZSBub25jZQ==",
        b"kato.v1.json, kato.key.abc",
        b"permessage-deflate; client_max_window_bits, x; server_max_window_bits=15",
    ]
)
_CHUNKED = (
    b"POST /p1/observe HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\nGET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
)
_SMUGGLED = get("/p1/status")
SHAPES = [
    head.replace("\n", "\r\n").replace("~", "\n").encode("latin-1") + tail
    for head, tail in [
        ("POST /p1/learn HTTP/1.1\nHost: localhost\n" + rest + "\n\n", body + _SMUGGLED)
        for rest, body in [
            ("Content-Length: 2\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
            ("Transfer-Encoding: chunked\nContent-Length: 5", b"0\r\n\r\n"),
            ("Content-Length: 0\nContent-Length: 2", b"{}"),
            ("Content-Length: 0, 2", b"{}"),
            ("Content-Length: +2", b"{}"),
            ("Content-Length: 0x2", b"{}"),
            ("Content-Length: 2 ", b"{}"),
            ("Content-Length:\n 2", b"{}"),
            ("Content-Length : 2", b"{}"),
            ("Content-Length: \xb2", b"{}"),
            ("Transfer-Encoding: xchunked", b"0\r\n\r\n"),
            ("Transfer-Encoding: chunked, identity", b"0\r\n\r\n"),
            ("Transfer-Encoding: chunked\nTransfer-Encoding: identity", b"0\r\n\r\n"),
            ("Transfer-Encoding:\n chunked", b"0\r\n\r\n"),
            ("Transfer-Encoding: x\n chunked", b"0\r\n\r\n"),
            ("Transfer-Encoding : chunked", b"0\r\n\r\n"),
            ("Transfer-Encoding: \x0bchunked", b"0\r\n\r\n"),
            ("Transfer-Encoding: chunked", b"0;x=\r\n\r\n"),
            ("Transfer-Encoding: chunked", b"00000000000000000000\r\n\r\n"),
            ("Transfer-Encoding: chunked", b"-0\r\n\r\n"),
            ("Transfer-Encoding: chunked", b"0x0\r\n\r\n"),
            ("Transfer-Encoding: chunked", b"2\n{}\n0\n\n"),
            ("Transfer-Encoding: chunked", b"2\r\n{}0\r\n\r\n"),
            ("Transfer-Encoding: chunked", b"0\r\nContent-Length: 40\r\n\r\n"),
            ("X: y~Content-Length: 2", b"{}"),
            ("X: y\rContent-Length: 2", b"{}"),
            ("\x00: y", b""),
            ("X: \x00", b""),
        ]
    ]
]
"""Requests of which two readers may see different ends; behind each stands another request."""

_PLAIN = [
    get("/p1/predictions?unique_id=a%20b", "Connection: close"),
    post("/p1/observe?brief=true", {"strings": ["a"]}, "Idempotency-Key: k") + get("/processors"),
    request("PUT", "http://localhost/p1", b'{"genes": {}}', "Expect: 100-continue"),
    request("HEAD", "/", None, version="HTTP/1.0"),
    _CHUNKED,
    *(case.raw for case in MALFORMED if len(case.raw) < 400),
]
_WORDS = [
    *(b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b"\r\n ", b"\t"),
    *(b"Content-Length: ", b"Transfer-Encoding: chunked", b"Connection: close", b"Upgrade: "),
    *(b"Expect: 100-continue", b"Host: localhost", b"Origin: null", b"HTTP/1.1", b"HTTP/1.0"),
    *(b"0\r\n\r\n", b"Content-Type: application/json", b"/static/..%2f", b"%2e%2e", b"%00"),
]

HTTP = (
    Target("http", _http, [b"\x05" + each for each in (*SHAPES, *_PLAIN)], _WORDS, 1024),
    Target(
        "target",
        _target,
        [
            b"/p1/model/MODEL%7Cab?limit=3&after=a+b",
            b"http://user@[::1]:8000/p1?x=%C3%A9&&=",
            b"//p1/../%2e%2e/%00",
        ],
        [b"%", b"%2f", b"//", b"..", b"https://", b"#", b"%ff", b"%ed%a0%80"],
    ),
    Target(
        "authority",
        _authority,
        [b"localhost:8000", b"[::1]:80", b"192.0.2.7", b"kato.example.", b"https://page.example"],
        [b"http://", b"127.1", b"0x7f.1", b"[::ffff:127.0.0.1]", b"%", b"localhost", b":0"],
        256,
    ),
    Target(
        "handshake", _handshake, [_SHAKEN], [b"\n-", b"kato.key.", b"kato.v1.msgpack", b",", b'"']
    ),
)
