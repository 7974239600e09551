"""Who may do what, over every transport: keys, scopes, operations and processors in one table (SPEC
8 and 9)."""

from collections.abc import Mapping
from itertools import chain, combinations
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS, Scope
from kato.errors import BY_CODE, InvalidRequest
from kato.key_file import parse_patterns
from kato.policy import Key
from tests.access_streams import GRAPHQL, Said, Way
from tests.access_world import LISTENING, USUAL, WAYS, World, listed
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


def status(code: str) -> int:
    """That of HTTP, where something came to this."""
    return 200 if code == "okay" else BY_CODE[code].http_status


def params(operation: str, model: str) -> dict[str, Any]:
    """What an operation is asked with."""
    named = {"model_name": model} if operation in OF_MODELS else {}
    return {**PARAMS.get(operation, {}), **named}


class TableTests(SynchronousTestCase):
    """The table, line by line."""

    def setUp(self) -> None:
        self.world = World(self, KEYS)
        self.world.prepare()

    def asked(self, way: Way, key: str | None, operation: str, processor: str) -> Said:
        """What is answered, everything being there."""
        said = self.world.ask(way, key, operation, processor, params(operation, self.world.model))
        if said.outcome == "okay" and operation not in READS:
            self.world.prepare()
        if way.transport == "rest":
            told = int(said.raw.split(b" ")[1])
            told = told // 100 * 100 if said.outcome == "okay" else told
            self.assertEqual(told, status(said.outcome))
        return said

    def holds(self, key: str | None, operation: str, processor: str, *ways: Way) -> None:
        """See that a line of the table is kept, and that what is refused changes nothing."""
        expected = verdict(key, operation, processor)
        before = None if expected == "okay" else self.world.state()
        for way in ways:
            said = self.asked(way, key, operation, processor)
            line = (key, operation, processor, way)
            self.assertEqual(said.outcome, expected, (*line, said.answer))
        if before is not None:
            self.assertEqual(self.world.state(), before, (key, operation, processor))

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
                    self.holds(key, operation, processor, *USUAL)

    def test_ways(self) -> None:
        """In whichever way a key is told, it may do the same."""
        for key in (*KEYS, None, "wrong"):
            for operation in ("get_status", "learn", "delete_processor"):
                for processor in ("p1", "p2"):
                    self.holds(key, operation, processor, *WAYS)

    def test_subscribing(self) -> None:
        """Who may read a processor may listen to it, and who may read at all hears which come and
        go."""
        for key in (*KEYS, None, "wrong"):
            for way in LISTENING:
                for processor in ("p1", "p2", "p3", None):
                    said = self.world.streams.subscribe(way, key, processor, {})
                    expected = verdict(key, "get_status", processor or "p1")
                    line = (key, processor, way, said.answer)
                    self.assertEqual(said.outcome, expected, line)
                    if expected == "okay":
                        self.world.streams.unsubscribe(way, key, processor)

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
                "stats": self.world.get(key, "GET", "/stats"),
                "metrics": self.world.get(key, "GET", "/metrics"),
                "hello": self.world.zmq(key, hello),
                "events": self.world.zmq(key, events),
                "origin": self.world.zmq(key, passed_on),
                "forwarded": self.world.zmq(key, ping, b"forwarded"),
            }
            told = {name: said.outcome for name, said in answers.items()}
            self.assertEqual(told, dict.fromkeys(answers, expected), key)

    def test_ping(self) -> None:
        """Whether the server is there, anybody may ask; by a document, who has a key."""
        for key in (*KEYS, None, "wrong"):
            for way in USUAL:
                by_document = way.transport in ("graphql", GRAPHQL)
                expected = "UNAUTHORIZED" if by_document and key in NONE else "okay"
                said = self.world.ask(way, key, "ping", None, {})
                self.assertEqual(said.outcome, expected, (key, way, said.answer))

    def test_lists(self) -> None:
        """The list of processors is for who may read, and of those alone that the key is for."""
        for key in (*KEYS, None, "wrong"):
            answers = [self.world.ask(way, key, "list_processors", None, {}) for way in WAYS]
            answers.append(self.world.get(key, "GET", "/connect"))
            expected = verdict(key, "get_status", "p1")
            self.assertEqual({said.outcome for said in answers}, {expected}, key)
            seen = ["p1"] if key is not None and key.endswith("-of-one") else ["p1", "p2"]
            for said in answers if expected == "okay" else ():
                self.assertEqual(listed(said.answer), seen)
                self.assertEqual((said.answer["total"], said.answer["next"]), (len(seen), None))


PATTERNS: Mapping[tuple[str, ...], frozenset[str]] = {
    ("p*",): frozenset({"p1", "p2", "p3"}),
    ("*1",): frozenset({"p1"}),
    ("p1*",): frozenset({"p1"}),
    ("*p*2*",): frozenset({"p2"}),
    ("p2", "*3"): frozenset({"p2", "p3"}),
    ("P1", "p", "1", "p11", "team-*"): frozenset(),
}
"""Which of the processors a key is for that is for these patterns."""


class PatternTests(SynchronousTestCase):
    """Keys that are for patterns of processors."""

    def setUp(self) -> None:
        keys = {str(n): Key(str(n), frozenset(Scope), each) for n, each in enumerate(PATTERNS)}
        self.patterns = dict(zip(keys, PATTERNS.values(), strict=True))
        self.world = World(self, keys)
        self.world.prepare()

    def test_asked(self) -> None:
        """A key is for those that fit one of its patterns whole, over every transport."""
        for key, fitting in self.patterns.items():
            for operation in ("get_status", "observe", "clear_all_memory"):
                for processor in ("p1", "p2", "p3"):
                    for way in USUAL:
                        self.world.prepare()
                        said = self.world.ask(way, key, operation, processor, params(operation, ""))
                        expected = verdict("read-write-admin-of-all", operation, processor)
                        if processor not in fitting:
                            expected = "FORBIDDEN"
                        self.assertEqual(said.outcome, expected, (key, way, said.answer))

    def test_listened(self) -> None:
        """So it is with subscriptions."""
        for key, fitting in self.patterns.items():
            for processor in ("p1", "p2"):
                for way in LISTENING:
                    said = self.world.streams.subscribe(way, key, processor, {})
                    expected = "okay" if processor in fitting else "FORBIDDEN"
                    self.assertEqual(said.outcome, expected, (key, way, said.answer))
                    if expected == "okay":
                        self.world.streams.unsubscribe(way, key, processor)

    def test_listed(self) -> None:
        """And with lists."""
        for key, fitting in self.patterns.items():
            for way in USUAL:
                said = self.world.ask(way, key, "list_processors", None, {})
                self.assertEqual(listed(said.answer), sorted(fitting - {"p3"}), (key, way))

    def test_stars_alone(self) -> None:
        """Nothing but C{*} stands for others."""
        for word in ("team-?", "team-[12]", "p1|p2", "p.", "p1\n", ""):
            self.assertRaises(InvalidRequest, parse_patterns, [word], "processors")
