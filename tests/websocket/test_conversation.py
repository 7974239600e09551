"""What may be said when (SPEC 9)."""

from itertools import product
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.errors import InvalidRequest, ProcessorUnavailable, Unauthorized
from kato.limits import Limits
from kato.protocols.websocket.conversation import (
    MAX_ID,
    NEXT,
    Conversation,
    Heard,
    Kind,
    Saying,
    State,
)
from kato.steady_json import decode_steadily


class TableTests(SynchronousTestCase):
    """The table of states."""

    def test_guest(self) -> None:
        """Who has told no key may ping, and tell it; everything else asks for it."""
        conversation = Conversation(member=False)
        for kind in Kind:
            if kind is Kind.PING:
                self.assertIs(conversation.hear(kind), State.GUEST)
            elif kind is Kind.AUTHENTICATE:
                self.assertIs(conversation.hear(kind), State.MEMBER)
            else:
                self.assertRaises(Unauthorized, conversation.hear, kind)
        self.assertIs(conversation.state, State.GUEST)

    def test_member(self) -> None:
        """Who has the key may say everything."""
        conversation = Conversation(member=True)
        self.assertEqual({conversation.hear(kind) for kind in Kind}, {State.MEMBER})

    def test_ending(self) -> None:
        """Where the server stops nothing is heard, whoever says it."""
        for member in (True, False):
            conversation = Conversation(member=member)
            conversation.end()
            for kind in Kind:
                self.assertRaises(ProcessorUnavailable, conversation.hear, kind)

    def test_table(self) -> None:
        """No entry leads back to a guest, nor out of the end."""
        for state, kind in product(State, Kind):
            following = NEXT.get((state, kind))
            if state is State.ENDING:
                self.assertIsNone(following)
            elif state is State.MEMBER:
                self.assertIs(following, State.MEMBER)


def heard(raw: object) -> Heard:
    """What is made of a message that says this."""
    return Heard.judge(b"", lambda _, max_values: raw, Limits())


class HeardTests(SynchronousTestCase):
    """L{Heard}."""

    def test_operation(self) -> None:
        """An operation is judged whole; what is about the connection is not one."""
        told = heard({"method": "observe", "processor": "p1", "params": {"strings": ["a"]}})
        assert told.command is not None
        self.assertEqual((told.command.operation, told.processor), ("observe", "p1"))
        self.assertIsNone(heard({"method": "subscribe", "processor": "p1"}).command)
        self.assertIsNone(heard({"method": "subscribe"}).failure)

    def test_failure(self) -> None:
        """What is wrong is told, and nothing raised; what is known besides is kept."""
        told = heard({"method": "observe", "processor": "p1", "params": {"strings": 1}, "id": 7})
        self.assertIsInstance(told.failure, InvalidRequest)
        self.assertEqual((told.tag, told.processor), ({"id": 7}, "p1"))
        assert told.saying is not None
        told = Heard.judge(b"{", decode_steadily, Limits())
        self.assertIsInstance(told.failure, InvalidRequest)
        self.assertEqual((told.tag, told.processor, told.saying), ({}, None, None))


class SayingTests(SynchronousTestCase):
    """L{Saying}."""

    def test_kinds(self) -> None:
        """A ping to the server is not one to a processor; what is no method of ours is an
        operation, which is judged later."""
        for raw, kind in [
            ({"method": "ping"}, Kind.PING),
            ({"method": "ping", "processor": "p1"}, Kind.OPERATION),
            ({"method": "authenticate"}, Kind.AUTHENTICATE),
            ({"method": "subscribe"}, Kind.SUBSCRIBE),
            ({"method": "unsubscribe"}, Kind.UNSUBSCRIBE),
            ({"method": "observe"}, Kind.OPERATION),
            ({"method": "operation"}, Kind.OPERATION),
            ({"method": 3}, Kind.OPERATION),
        ]:
            self.assertIs(Saying.parse(raw).kind, kind, raw)

    def test_tag(self) -> None:
        """An id of any kind is given back; where there is none, none is."""
        values: list[Any] = [None, 0, "a", 1.5, [1, {"a": None}], {}, True]
        for value in values:
            saying = Saying.parse({"method": "ping", "id": value})
            self.assertEqual(saying.tag, {"id": value})
            self.assertEqual(heard({"id": value, "nonsense": 1}).tag, {"id": value})
        self.assertEqual(Saying.parse({"method": "ping"}).tag, {})
        others: list[Any] = [None, [], "id", {}, {"id": float("nan")}, {"id": b"bytes"}]
        for raw in others:
            self.assertEqual(heard(raw).tag, {})

    def test_large_id(self) -> None:
        """An id is no place for what is large, however it lies in it."""
        fits: list[Any] = ["a" * (MAX_ID - 1), [0] * 500, {"a": ["b"] * 300}]
        for value in fits:
            self.assertEqual(Saying.parse({"method": "ping", "id": value}).tag, {"id": value})
        large: list[Any] = [
            "a" * MAX_ID,
            [0] * 10**6,
            [[0] * 10**6],
            [{}] * 600,
            {"a": {"b": "c" * MAX_ID}},
            {"a" * MAX_ID: 1},
        ]
        for value in large:
            error = self.assertRaises(InvalidRequest, Saying.parse, {"method": "ping", "id": value})
            self.assertIn("id: more than 1024", error.message)
            self.assertEqual(heard({"method": "ping", "id": value}).tag, {})

    def test_refused(self) -> None:
        """What is no request is refused by the name of what is wrong."""
        cases: list[tuple[Any, str]] = [
            (None, "body: expected an object, got null"),
            ([], "body: expected an object"),
            ({}, "method: missing"),
            ({"method": "ping", "api_key": "k"}, "api_key: unknown key"),
            ({"method": "ping", "id": float("inf")}, "id: expected a finite number"),
            ({"method": "ping", 1: 2}, "body: key"),
        ]
        for raw, named in cases:
            error = self.assertRaises(InvalidRequest, Saying.parse, raw)
            self.assertIn(named, error.message)

    def test_subject(self) -> None:
        """Events are those of a processor, or of all that come and go."""
        self.assertIsNone(Saying.parse({"method": "unsubscribe"}).subject)
        self.assertEqual(Saying.parse({"method": "x", "processor": "p1"}).subject, "p1")
        saying = Saying.parse({"method": "x", "processor": "no id"})
        self.assertRaises(InvalidRequest, lambda: saying.subject)

    def test_key(self) -> None:
        """C{authenticate} tells a key, and nothing beside."""
        saying = Saying.parse({"method": "authenticate", "params": {"api_key": "ä"}})
        self.assertEqual(saying.key, "ä".encode())
        for params, named in [
            ({}, "api_key: missing"),
            ({"api_key": 1}, "api_key: expected a string, got int 1"),
            ({"api_key": "k", "key": "k"}, "key: unknown key"),
            ([], "params: expected an object"),
        ]:
            saying = Saying.parse({"method": "authenticate", "params": params})
            error = self.assertRaises(InvalidRequest, getattr, saying, "key")
            self.assertIn(named, error.message)
