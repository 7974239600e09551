"""What a key for one processor learns of others: nothing, over any transport (SPEC 8 and 9)."""

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Scope
from kato.policy import Key
from tests.access_streams import GRAPHQL, Way
from tests.access_world import LISTENING, USUAL, WAYS, World, listed
from tests.test_access_table import ADMINISTERS, READS, WRITES, params

KEY = "for-one"

Asked = Mapping[str, Mapping[str, Any]]
"""Parameters by operation."""


class SecretCase(SynchronousTestCase):
    """A server on which somebody has a key that may do all to C{p1}."""

    def setUp(self) -> None:
        self.world = World(self, {KEY: Key("one", frozenset(Scope), ("p1",))})
        self.world.prepare()

    def without(self) -> None:
        """Let there be no C{p2}."""
        self.world.do("delete_processor", "p2")


class AnswerTests(SecretCase):
    """Answers, byte for byte."""

    def compared(self, asked: Asked, *ways: Way) -> dict[tuple[str, Way], str]:
        """Ask for these of C{p2}, as long as it exists and when it does not; what came of them,
        which is the same."""
        told = []
        for exists in (True, False):
            if not exists:
                self.without()
            told.append(
                {
                    (operation, way): self.world.ask(way, KEY, operation, "p2", given)
                    for operation, given in asked.items()
                    for way in ways
                }
            )
        there, gone = told
        for line, said in there.items():
            self.assertEqual(said.raw, gone[line].raw, line)
        return {line: said.outcome for line, said in there.items()}

    def test_answers(self) -> None:
        """Every operation on another processor is answered the same, whether it exists or not."""
        asked = {each: params(each, "m") for each in READS | WRITES | ADMINISTERS}
        outcomes = self.compared(asked, *USUAL)
        self.assertEqual(set(outcomes.values()), {"FORBIDDEN"})

    def test_ways(self) -> None:
        """So it is in whichever way the key is told."""
        asked = {each: params(each, "m") for each in ("get_status", "observe")}
        self.assertEqual(set(self.compared(asked, *WAYS).values()), {"FORBIDDEN"})

    def test_nonsense(self) -> None:
        """And where the request makes no sense: a document that makes none is refused as that,
        the others as not allowed."""
        asked = {
            each: {**params(each, "m"), "gene": "sort", "model_name": "m", "nonsense": 1}
            for each in READS | WRITES | ADMINISTERS
        }
        for (_, way), outcome in self.compared(asked, *USUAL).items():
            if way.transport not in ("graphql", GRAPHQL):
                self.assertEqual(outcome, "FORBIDDEN")

    def test_subscribing(self) -> None:
        """Who wants to listen to another one, or to be told what it missed of it, is answered the
        same, whether it exists or not."""
        told = []
        for exists in (True, False):
            if not exists:
                self.without()
            for since in ({}, {"since": 0, "epoch": "x"}):
                for way in LISTENING:
                    said = self.world.streams.subscribe(way, KEY, "p2", since)
                    self.assertEqual(said.outcome, "FORBIDDEN", way)
                    told.append(said.raw)
        half = len(told) // 2
        self.assertEqual(told[:half], told[half:])

    def test_body_unread(self) -> None:
        """A body for it is not waited for."""
        said = self.world.get(KEY, "POST", "/p2/observe", b"x" * 1000)
        self.assertEqual(said.outcome, "FORBIDDEN")
        self.assertTrue(said.raw.startswith(b"HTTP/1.1 403 "))

    def test_unnamed(self) -> None:
        """Over ZeroMQ, who names no processor means the only one that the key is for, whatever
        others there are; where that does not exist, there is none."""
        request = {"method": "get_status"}
        there = self.world.zmq(KEY, request)
        self.assertEqual(there.answer["processor"], "p1")
        self.without()
        self.assertEqual(self.world.zmq(KEY, request), there)
        self.world.do("delete_processor", "p1")
        gone = self.world.zmq(KEY, request)
        self.assertEqual(gone.outcome, "INVALID_REQUEST")
        self.world.do("create_processor", "p2")
        self.assertEqual(self.world.zmq(KEY, request), gone)


class BesideTests(SecretCase):
    """What is told of all processors together."""

    def test_pages(self) -> None:
        """Lists count, and turn their pages, as if there were no others."""
        for number in range(5):
            self.world.do("create_processor", f"p0{number}")
            self.world.do("create_processor", f"p9{number}")
        for page, ids in (
            ({"limit": 1}, ["p1"]),
            ({"limit": 1, "after": "p04"}, ["p1"]),
            ({"after": "p1"}, []),
            ({"after": "p2"}, []),
        ):
            for way in USUAL:
                answer = self.world.ask(way, KEY, "list_processors", None, page).answer
                self.assertEqual(listed(answer), ids, way)
                self.assertEqual((answer["total"], answer["next"]), (1, None), way)

    def test_one_document(self) -> None:
        """A document that asks for the one and for others is answered the same beside the one,
        whether the others exist or not."""
        query = """{"query": "{ a: processor(id: \\"p1\\") { status { events } }
            b: processor(id: \\"p2\\") { id status { events } models { total } } }"}"""
        body = b" ".join(query.encode().split())
        told = []
        for _ in range(2):
            said = self.world.get(
                *(KEY, "POST", "/graphql", body, "Content-Type: application/json")
            )
            told.append(said.raw)
            self.assertEqual(said.answer["data"]["a"], {"status": {"events": 1}})
            self.assertEqual(said.answer["data"]["b"], {"id": "p2", "status": None, "models": None})
            if "p2" in self.world.processors:
                self.without()
        self.assertEqual(told[0], told[1])

    def test_comings(self) -> None:
        """Of processors that come and go only those are told that the key is for, and the numbers
        of the events count no others."""
        for way in LISTENING:
            self.world.prepare()
            streams = self.world.streams
            before = streams.subscribe(way, KEY, None, {"since": 0, "epoch": "x"}).answer
            self.assertEqual((before["offset"], before["recovered"]), (0, False), way)
            self.world.do("delete_processor", "p2")
            self.world.do("create_processor", "p5")
            self.assertEqual(streams.heard(way, KEY), [], way)
            for _ in range(2):
                self.world.do("delete_processor", "p1")
                self.world.do("create_processor", "p2")
                self.world.do("create_processor", "p1")
                self.world.do("delete_processor", "p2")
            told = [
                (each["processor"], each["offset"], each.get("data", each)["change"].lower())
                for each in streams.heard(way, KEY)
            ]
            expected = [(1, "went"), (2, "came"), (3, "went"), (4, "came")]
            self.assertEqual(told, [("p1", *each) for each in expected], way)
            self.world.do("delete_processor", "p5")
            streams.unsubscribe(way, KEY, None)

    def test_events(self) -> None:
        """Who listens to the one hears nothing of what others do."""
        for way in LISTENING:
            self.world.streams.subscribe(way, KEY, "p1", {})
            self.world.do("observe", "p2", strings=["secret"])
            self.assertEqual(self.world.streams.heard(way, KEY), [], way)
            self.world.do("observe", "p1", strings=["own"])
            heard = self.world.streams.heard(way, KEY)
            self.assertEqual({each["processor"] for each in heard}, {"p1"}, way)
            self.world.streams.unsubscribe(way, KEY, "p1")
