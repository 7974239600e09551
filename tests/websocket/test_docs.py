"""What C{docs/websocket.md} says, on a live server."""

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from twisted.trial.unittest import SynchronousTestCase

from kato.errors import BY_CODE
from kato.events import TOPICS, TOPICS_OF_ALL, Event
from kato.messagepack import pack
from tests.live.server import ROOT, LiveServer
from tests.rest.test_docs import as_bytes
from tests.websocket.plain import BINARY, CLOSE, TEXT, Frame, PlainClient, Refused, handshake

PAGE = (ROOT / "docs" / "websocket.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "examples" / "websocket"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LOST = "the connection is lost"
_CONNECTIONS: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "a connection": (False, ()),
    'a connection to a server with the key "sesame"': (True, ()),
    "a connection to it that offers kato.v1.json and kato.key.sesam": (
        True,
        ("Sec-WebSocket-Protocol: kato.v1.json, kato.key.sesam",),
    ),
    "a connection to it that offers kato.v1.json and kato.key.sesame": (
        True,
        ("Sec-WebSocket-Protocol: kato.v1.json, kato.key.sesame",),
    ),
}
"""How the page says that a connection begins: whether the server has a key, and more headers."""


def blocks(language: str = "") -> list[str]:
    """The page's examples in a language; the protocol's own are in none."""
    return [text for kind, text in _BLOCK.findall(PAGE) if kind == language]


def dialogues() -> list[str]:
    """The lines of all examples in which something is said."""
    said = [each for each in blocks() if re.match("[>~$] ", each)]
    return [line for each in said for line in each.splitlines()]


def lasting(told: object) -> Any:
    """What was told, in which what is another one each time is only named."""
    if isinstance(told, list):
        return [lasting(each) for each in told]
    if not isinstance(told, dict):
        return told
    kept = {key: lasting(value) for key, value in told.items()}
    for key in kept.keys() & {"time_stamp", "service"}:
        kept[key] = ...
    if "unique_id" in kept and _is_made(kept["unique_id"]):
        kept["unique_id"] = ...
    return kept


def _is_made(unique_id: object) -> bool:
    try:
        return bool(UUID(str(unique_id)))
    except ValueError:
        return False


class Play:
    """Says what the page says, line by line."""

    def __init__(self, test: SynchronousTestCase, servers: Mapping[bool, LiveServer]) -> None:
        """@param servers: one without a key, and one with."""
        self._test = test
        self._servers = servers
        self._client: PlainClient | None = None
        self._epochs: dict[str, str] = {}
        self._does = {"~": self._turn, ">": self._say, "<": self._hear, "$": self._by_rest}
        self._does["×"] = self._closed

    def line(self, line: str) -> None:
        """Do what a line says."""
        self._does[line[0]](line[2:])

    @property
    def client(self) -> PlainClient:
        """The connection that there is now."""
        assert self._client is not None
        return self._client

    def _turn(self, direction: str) -> None:
        if direction == _LOST:
            self.client.leave()
        else:
            keyed, headers = _CONNECTIONS[direction]
            self._client = PlainClient(self._servers[keyed].port, handshake(*headers))
            self._test.addCleanup(self._client.close)

    def _say(self, text: str) -> None:
        for written, epoch in self._epochs.items():
            text = text.replace(written, epoch)
        self.client.send(text.encode())

    def _hear(self, text: str) -> None:
        written, heard = json.loads(text), json.loads(self.client.receive().payload)
        for each, other in zip(epochs(written), epochs(heard), strict=True):
            self._test.assertEqual(self._epochs.setdefault(each, other), other)
        self._test.assertEqual(lasting(without_epochs(heard)), lasting(without_epochs(written)))

    def _closed(self, text: str) -> None:
        code, _, reason = text.partition(" ")
        payload = struct.pack("!H", int(code)) + reason.encode()
        self._test.assertEqual(self.client.receive(), Frame(CLOSE, payload))

    def _by_rest(self, command: str) -> None:
        connection = self._servers[False].connect()
        head, _, body = as_bytes(command.removeprefix("curl ")).partition(b"\r\n\r\n")
        method, path, _ = head.decode().split(" ", 2)
        connection.post(path, json.loads(body) if body else None)
        self._test.assertEqual(method, "POST")
        connection.close()


def epochs(told: object) -> list[str]:
    """The names of histories in what was told."""
    if not isinstance(told, dict):
        return []
    found = [value for key, value in told.items() if key == "epoch"]
    return found + [each for value in told.values() for each in epochs(value)]


def without_epochs(told: object) -> Any:
    """What was told, without the names of histories, which are others each time."""
    if not isinstance(told, dict):
        return told
    return {key: without_epochs(value) for key, value in told.items() if key != "epoch"}


class SessionTests(SynchronousTestCase):
    """The page's examples, said to a server."""

    def setUp(self) -> None:
        key = Path(self.mktemp())
        key.write_text("sesame", encoding="utf-8")
        self.servers = {
            keyed: LiveServer("--storage", "memory:", *options).start()
            for keyed, options in {False: (), True: ("--api-key-file", str(key))}.items()
        }
        for server in self.servers.values():
            self.addCleanup(server.stop)

    def test_said(self) -> None:
        """Each message gets the answers that the page shows, and events come as it shows them."""
        lines = dialogues()
        self.assertGreater(len([line for line in lines if line.startswith("<")]), 60)
        play = Play(self, self.servers)
        for line in lines:
            play.line(line)

    def test_close_codes(self) -> None:
        """What breaks a rule closes the connection with the code that the page tells."""
        broken = {1002: (b"", 3), 1003: (b"\x80", BINARY), 1007: (b"\xff", TEXT)}
        for code, (payload, opcode) in broken.items():
            client = PlainClient(self.servers[False].port, handshake())
            self.addCleanup(client.close)
            client.send(payload, opcode)
            told = client.receive()
            self.assertEqual((told.opcode, told.payload[:2]), (CLOSE, struct.pack("!H", code)))
            self.assertIn(f"\n| {code} |", PAGE)

    def test_handshakes(self) -> None:
        """The handshakes are answered as the page shows."""
        shown = [each for each in blocks() if each.startswith("GET ")]
        self.assertEqual(len(shown), 2)
        for each in shown:
            head, _, answer = each.partition("\n\n")
            self.assertEqual(self.answered(head), lines_of(answer))

    def answered(self, head: str) -> tuple[set[str], Any]:
        """The answer to a request for a WebSocket."""
        asked = head.replace("\n", "\r\n") + "\r\n\r\n"
        try:
            client = PlainClient(self.servers[False].port, asked)
        except Refused as refused:
            return lines_of(f"{refused.head}\n{refused.body.decode()}".replace("\r", ""))
        client.close()
        return lines_of(client.head.replace("\r", ""))


def lines_of(answer: str) -> tuple[set[str], Any]:
    """The head of an answer, without what is another one each time, and its body."""
    head, _, body = answer.strip().partition("\n\n")
    varying = re.compile("Date|X-Request-ID|Content-Length")
    kept = {line for line in head.splitlines() if not varying.match(line)}
    return kept, lasting(json.loads(body)) if body else None


class PageTests(SynchronousTestCase):
    """The page itself."""

    def test_examples(self) -> None:
        """The examples on the page are those that are run."""
        for name in ("client.mjs", "page.html", "page.js"):
            self.assertIn((EXAMPLES / name).read_text(encoding="utf-8"), PAGE)

    def test_bytes(self) -> None:
        """What the page writes byte by byte is what MessagePack makes."""
        [written] = re.findall(r"^((?:[0-9a-f]{2} ?)+)$", PAGE, re.MULTILINE)
        self.assertEqual(bytes.fromhex(written), pack({"id": 1, "method": "ping"}))

    def test_events(self) -> None:
        """What cannot be made to happen here is written as an event is."""
        shown = [
            json.loads(line)
            for each in blocks()
            for line in each.splitlines()
            if line.startswith('{"event"')
        ]
        self.assertEqual(len(shown), 7)
        for each in shown:
            self.assertEqual(Event.parse(each).as_map(), each)

    def test_nothing_is_missing(self) -> None:
        """Every topic and change is there with an example, and every state and error."""
        told = [
            json.loads(line.lstrip("< "))
            for each in blocks()
            for line in each.splitlines()
            if re.match('(< )?{"event"', line)
        ]
        self.assertEqual({each["event"] for each in told}, TOPICS | TOPICS_OF_ALL)
        changes = {(each["event"], each["data"].get("change")) for each in told}
        self.assertLessEqual(
            {
                *(("learning", change) for change in ("learned", "updated", "deleted")),
                *(("memory", change) for change in ("cleared", "genes", "deleted")),
                *(("processors", change) for change in ("came", "went")),
            },
            changes,
        )
        memories = {each["data"]["memory"] for each in told if "memory" in each["data"]}
        self.assertEqual(memories, {"short_term", "all"})
        states = {each["data"]["state"] for each in told if each["event"] == "status"}
        self.assertEqual(states, {"away", "back", "anew"})

    def test_client(self) -> None:
        """All that C{kato.js} gives is there: its methods, options, callbacks and states."""
        module = (ROOT / "kato" / "dashboard" / "static" / "kato.js").read_text(encoding="utf-8")
        public = module.partition("export class Kato extends")[2]
        methods = re.findall(r"^  (?:get )?([a-z]\w*)\(.*\) {$", public, re.MULTILINE)
        properties = re.findall(r" @property {.*} \[(\w+)\]", module.partition("Clock\n")[2])
        states = re.findall(r'"(\w+)"', re.findall(r"@typedef {(.*)} State", module)[0])
        self.assertGreater(min(map(len, (methods, properties, states))), 4)
        for name in {*methods, *properties, *states} - {"constructor"}:
            self.assertRegex(PAGE, rf"`{name}\b")
        for code in ("INVALID_REQUEST", "UNAUTHORIZED", "FORBIDDEN", "CONFLICT"):
            self.assertIn(code, BY_CODE)
            self.assertIn(f'"{code}"' if code != "FORBIDDEN" else f"`{code}`", PAGE)
