"""Who may do what, over every transport: keys, scopes, operations and processors in one table (SPEC
8 and 9)."""

import json
from collections.abc import Mapping
from itertools import chain, combinations
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS, Scope
from kato.errors import BY_CODE
from kato.policy import Key
from tests.access_world import Answer, World
from tests.websocket.memory import NOW

READS = frozenset(
    {
        *("ping", "get_status", "get_predictions", "get_forecast", "get_short_term_memory"),
        *("get_gene", "get_genes", "get_model", "list_models", "explain"),
        *("get_percept_data", "get_cognition_data"),
    }
)
MAKES = frozenset(
    {"create_processor", "observe", "observe_sequence", "change_gene", "change_genes"}
)
WRITES = MAKES | {"learn", "clear_short_term_memory", "update_model", "delete_model"}
ADMINISTERS = frozenset({"delete_processor", "clear_all_memory"})

PARAMS: Mapping[str, Mapping[str, Any]] = {
    "observe": {"strings": ["a"]},
    "observe_sequence": {"observations": [{"strings": ["a"]}]},
    "get_gene": {"gene": "sort"},
    "change_gene": {"gene": "sort", "value": True},
    "change_genes": {"genes": {"persistence": 4}},
    "update_model": {"frequency": 3},
}
"""What each operation is asked with; the name of a model stands beside it."""

OF_MODELS = frozenset({"get_model", "explain", "update_model", "delete_model"})

SCOPES = [frozenset(each) for each in chain(*(combinations(Scope, size) for size in range(1, 4)))]
"""Every set of scopes but the empty one, which a file of keys cannot have."""

KEYS: dict[str, Key] = {
    **{
        f"{'-'.join(sorted(each.value for each in scopes))}-of-{name}": Key(name, scopes, patterns)
        for scopes in SCOPES
        for name, patterns in (("one", ("p1",)), ("all", ("*",)))
    },
    "expired": Key("expired", frozenset(Scope), expires=NOW - 1),
}
"""All keys of the server, by themselves."""

NONE = (None, "wrong", "expired")
"""Keys that are none."""


def verdict(key: str | None, operation: str, processor: str) -> str:
    """What the table says: C{okay}, or the code of an error."""
    if key in NONE:
        return "UNAUTHORIZED"
    assert key is not None
    scopes, _, whose = key.partition("-of-")
    if whose == "one" and processor != "p1":
        return "FORBIDDEN"
    needed = "read" if operation in READS else "write" if operation in WRITES else "admin"
    if needed not in scopes.split("-"):
        return "FORBIDDEN"
    return "okay" if processor != "p3" or operation in MAKES else "PROCESSOR_NOT_FOUND"


def outcome(answer: Answer) -> str:
    """What an answer says."""
    code: str = answer["status"] if answer["status"] == "okay" else answer["error_code"]
    return code


class TableTests(SynchronousTestCase):
    """The table, line by line."""

    def setUp(self) -> None:
        self.world = World(self, KEYS)
        self.world.prepare()

    def params(self, operation: str) -> dict[str, Any]:
        named = {"model_name": self.world.model} if operation in OF_MODELS else {}
        return {**PARAMS.get(operation, {}), **named}

    def asked(self, key: str | None, operation: str, processor: str) -> dict[str, Answer]:
        """What is answered over each transport, everything being there each time."""
        params = self.params(operation)
        asked: dict[str, Answer] = {}
        self.world.prepare()
        status, asked["rest"], _ = self.world.rest(key, operation, processor, params)
        code = outcome(asked["rest"])
        self.assertEqual(status // 100 * 100 if code == "okay" else status, _status(code))
        self.world.prepare()
        asked["websocket"] = self.world.websocket(key).ask(
            method=operation, processor=processor, params=params
        )
        self.world.prepare()
        asked["graphql"] = self.world.graphql(key, operation, processor, params)
        self.world.prepare()
        request = {"method": operation, "processor": processor, "params": params}
        asked["zmq"] = self.world.zmq(key, request)
        return asked

    def test_whole(self) -> None:
        """The table has every operation, in one line."""
        lines = [*READS, *WRITES, *ADMINISTERS, "list_processors"]
        self.assertEqual(sorted(lines), sorted(OPERATIONS))

    def test_table(self) -> None:
        """Every key may do what the table says, on every processor and over every transport, and
        nothing else."""
        for key in (*KEYS, None, "wrong"):
            for operation in sorted(READS | WRITES | ADMINISTERS):
                for processor in ("p1", "p2", "p3"):
                    expected = verdict(key, operation, processor)
                    for transport, answer in self.asked(key, operation, processor).items():
                        line = (key, operation, processor, transport)
                        self.assertEqual(outcome(answer), expected, (*line, answer))

    def test_subscribing(self) -> None:
        """Who may read a processor may listen to it."""
        for key in (*KEYS, None, "wrong"):
            for processor in ("p1", "p2", "p3"):
                client = self.world.websocket(key)
                answer = client.ask(method="subscribe", processor=processor)
                expected = verdict(key, "get_status", processor)
                self.assertEqual(outcome(answer), expected, (key, processor, answer))

    def test_server(self) -> None:
        """What concerns all of the server, and what gateways say to services, is for keys with the
        scope C{admin} that are for all processors."""
        hello, events = {"type": "hello"}, {"type": "events", "processor": "p1"}
        ping = {"method": "ping"}
        passed_on = {**ping, "origin": {"transport": "rest", "id": "1"}}
        for key in (*KEYS, None, "wrong"):
            refused = "UNAUTHORIZED" if key in NONE else "FORBIDDEN"
            may = key is not None and key.endswith("-of-all") and "admin" in key
            expected = "okay" if may else refused
            answers = {
                "stats": self.world.get(key, "GET", "/stats")[1],
                "hello": self.world.zmq(key, hello),
                "events": self.world.zmq(key, events),
                "origin": self.world.zmq(key, passed_on),
                "forwarded": self.world.zmq(key, ping, b"forwarded"),
            }
            told = {name: outcome(answer) for name, answer in answers.items()}
            self.assertEqual(told, dict.fromkeys(answers, expected), key)

    def test_ping(self) -> None:
        """Whether the server is there, anybody may ask."""
        for key in (*KEYS, None, "wrong"):
            answers = (
                self.world.get(key, "GET", "/kato-api/ping")[1],
                self.world.websocket(key).ask(method="ping"),
                self.world.zmq(key, {"method": "ping"}),
            )
            self.assertEqual([outcome(each) for each in answers], ["okay"] * 3, key)

    def test_lists(self) -> None:
        """The list of processors is for who may read, and of those alone that the key is for."""
        for key in (*KEYS, None, "wrong"):
            answers = (
                self.world.get(key, "GET", "/processors")[1],
                self.world.get(key, "GET", "/connect")[1],
                self.world.websocket(key).ask(method="list_processors"),
                self.world.zmq(key, {"method": "list_processors"}),
            )
            expected = verdict(key, "get_status", "p1")
            self.assertEqual([outcome(each) for each in answers], [expected] * 4, key)
            seen = ["p1"] if key is not None and key.endswith("-of-one") else ["p1", "p2"]
            for each in answers:
                if expected == "okay":
                    self.assertEqual([line["id"] for line in each["processors"]], seen)
                    self.assertEqual((each["total"], each["next"]), (len(seen), None))


def _status(code: str) -> int:
    return 200 if code == "okay" else BY_CODE[code].http_status


class NothingToldTests(SynchronousTestCase):
    """What a key for C{p1} learns of C{p2}: nothing."""

    KEY = "for-one"

    def setUp(self) -> None:
        self.world = World(self, {self.KEY: Key("one", frozenset(Scope), ("p1",))})
        self.world.prepare()

    def without(self) -> None:
        """Let there be no C{p2}."""
        self.world.do("delete_processor", "p2")

    def told(self, operation: str, params: Mapping[str, Any]) -> list[object]:
        """All that is answered about C{p2}, byte for byte."""
        request = {"method": operation, "processor": "p2", "params": params}
        return [
            self.world.rest(self.KEY, operation, "p2", params)[2],
            json.dumps(self.world.websocket(self.KEY).ask(**request)),
            json.dumps(self.world.zmq(self.KEY, request)),
        ]

    def test_answers(self) -> None:
        """Every operation on it is answered the same, byte for byte, whether it exists or not, and
        whether what is asked makes sense or not."""
        named = {"gene": "sort", "model_name": "m"}
        for bad in (False, True):
            asked = {
                operation: {**named, "nonsense": 1}
                if bad
                else {**PARAMS.get(operation, {})} | named
                for operation in READS | WRITES | ADMINISTERS
            }
            self.world.prepare()
            there = {each: self.told(each, params) for each, params in asked.items()}
            self.without()
            gone = {each: self.told(each, params) for each, params in asked.items()}
            self.assertEqual(there, gone)
            for operation, [rest, *others] in there.items():
                assert isinstance(rest, bytes)
                self.assertTrue(rest.startswith(b"HTTP/1.1 403 "), (operation, rest))
                for each in others:
                    self.assertIn('"FORBIDDEN"', str(each), operation)

    def test_body_unread(self) -> None:
        """A body for it is not waited for."""
        status, answer, _ = self.world.get(self.KEY, "POST", "/p2/observe", b"x" * 1000)
        self.assertEqual((status, answer["error_code"]), (403, "FORBIDDEN"))

    def test_unnamed(self) -> None:
        """Over ZeroMQ, who names no processor means the only one that the key is for, whatever
        others there are; where that does not exist, there is none."""
        request = {"method": "get_status"}
        there = self.world.zmq(self.KEY, request)
        self.assertEqual(there["processor"], "p1")
        self.without()
        self.assertEqual(self.world.zmq(self.KEY, request), there)
        self.world.do("delete_processor", "p1")
        gone = self.world.zmq(self.KEY, request)
        self.assertEqual(gone["error_code"], "INVALID_REQUEST")
        self.world.do("create_processor", "p2")
        self.assertEqual(self.world.zmq(self.KEY, request), gone)

    def test_pages(self) -> None:
        """Lists count, and turn their pages, as if there were no others."""
        for number in range(5):
            self.world.do("create_processor", f"p0{number}")
            self.world.do("create_processor", f"p9{number}")
        for path, ids in (
            ("/processors?limit=1", ["p1"]),
            ("/processors?limit=1&after=p04", ["p1"]),
            ("/processors?after=p1", []),
            ("/processors?after=p2", []),
        ):
            _, answer, _ = self.world.get(self.KEY, "GET", path)
            self.assertEqual([each["id"] for each in answer["processors"]], ids)
            self.assertEqual((answer["total"], answer["next"]), (1, None))

    def test_comings(self) -> None:
        """Of processors that come and go only those are told that the key is for, and the numbers
        of the events count no others."""
        client = self.world.websocket(self.KEY)
        before = client.ask(method="subscribe", params={"since": 0, "epoch": "x"})
        self.assertEqual((before["offset"], before["recovered"]), (0, False))
        self.world.do("delete_processor", "p2")
        self.world.do("create_processor", "p5")
        self.assertEqual(client.told(), [])
        for _ in range(2):
            self.world.do("delete_processor", "p1")
            self.world.do("create_processor", "p2")
            self.world.do("create_processor", "p1")
            self.world.do("delete_processor", "p2")
        told = [(each["processor"], each["offset"], each["data"]) for each in client.told()]
        went, came = {"change": "went"}, {"change": "came"}
        expected = [("p1", 1, went), ("p1", 2, came), ("p1", 3, went), ("p1", 4, came)]
        self.assertEqual(told, expected)
