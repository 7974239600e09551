"""Who may do what, as a pure function (SPEC 9)."""

from fnmatch import fnmatchcase
from time import thread_time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS, Scope
from kato.errors import Forbidden, KatoError, Unauthorized
from kato.policy import EVERYBODY, GUEST, NEEDS, NO_KEY, Key, judge, judge_server

ALL = frozenset(Scope)
PATTERNS = st.text("ab-_*", min_size=1, max_size=8)


def verdict(key: Key, operation: object, processor: object, now: float = 0.0) -> str | None:
    try:
        judge(key, operation, processor, now)
    except KatoError as error:
        return error.message
    return None


class KeyTests(SynchronousTestCase):
    """What a key is for."""

    @given(st.lists(PATTERNS, min_size=1, max_size=3), st.text("ab-_", min_size=1, max_size=12))
    def test_patterns(self, patterns: list[str], processor: str) -> None:
        """A key is for what fits one of its patterns, in which a star is any part of an id."""
        expected = any(fnmatchcase(processor, each) for each in patterns)
        self.assertIs(Key("k", ALL, tuple(patterns)).sees(processor), expected)

    def test_no_ids(self) -> None:
        """What can be no id is only for who has all."""
        for given_ in (None, 7, "a" * 65, ["p1"], b"p1", "p1\n", "p1 "):
            self.assertFalse(Key("k", ALL, ("p*1", "p1", "a*")).sees(given_), given_)
            self.assertTrue(Key("k", ALL).sees(given_))
        self.assertFalse(Key("k", ALL, ("p*1",)).sees("P1"))

    def test_hard_pattern(self) -> None:
        """No pattern takes long of the processor, whatever is held against it."""
        key = Key("k", ALL, ("*a" * 30 + "*b",))
        began = thread_time()
        for _ in range(100):
            self.assertFalse(key.sees("a" * 64))
        self.assertLess(thread_time() - began, 1.0)

    def test_told(self) -> None:
        """What one is told of one's key is in a fixed order."""
        told = Key("k", frozenset({Scope.WRITE, Scope.READ}), ("p1", "w*")).as_map()
        self.assertEqual(told, {"scopes": ["read", "write"], "processors": ["p1", "w*"]})


class JudgeTests(SynchronousTestCase):
    """L{judge} and L{judge_server}."""

    def test_every_row(self) -> None:
        """Every operation needs a scope, and so does listening."""
        self.assertEqual(set(NEEDS), {*OPERATIONS, "subscribe"})
        changing = {name for name, row in OPERATIONS.items() if row.changes}
        self.assertEqual({name for name in NEEDS if NEEDS[name] is not Scope.READ}, changing)

    def test_words(self) -> None:
        """A refusal names what was asked, and nothing else."""
        key = Key("k", frozenset({Scope.READ}), ("p1",))
        self.assertIsNone(verdict(key, "get_status", "p1"))
        self.assertEqual(
            verdict(key, "observe", "p1"),
            "method: this key may not observe, it lacks the scope write",
        )
        self.assertEqual(verdict(key, "observe", "p2"), "processor: this key is not for 'p2'")
        self.assertEqual(verdict(key, "get_status", 7), "processor: this key is not for 7")

    def test_no_operations(self) -> None:
        """What is no operation is judged by its processor alone."""
        key = Key("k", frozenset({Scope.READ}), ("p1",))
        strange: list[object] = ["nonsense", 7, None, ["observe"], {}]
        for operation in strange:
            self.assertIsNone(verdict(key, operation, "p1"))
            self.assertIsNotNone(verdict(key, operation, "p2"))

    def test_scopes_stand_alone(self) -> None:
        """No scope holds another one."""
        for scope in Scope:
            key = Key("k", frozenset({scope}))
            may = {name for name in NEEDS if verdict(key, name, "p1") is None}
            self.assertEqual(may, {name for name in NEEDS if NEEDS[name] is scope})

    def test_expired(self) -> None:
        """A key is one until the moment at which it expires; then no more is said than of any that
        is none."""
        key = Key("k", ALL, expires=10.0)
        self.assertIsNone(verdict(key, "learn", "p1", 9.9))
        self.assertEqual(verdict(key, "learn", "p1", 10.0), NO_KEY)
        with self.assertRaises(Unauthorized):
            judge_server(key, "stats", 10.0)
        judge_server(key, "stats", 9.9)

    def test_server(self) -> None:
        """What concerns the server needs a key for all processors, and its administration."""
        for scopes, processors in ((ALL, ("p*",)), (ALL - {Scope.ADMIN}, ("*",))):
            with self.assertRaises(Forbidden):
                judge_server(Key("k", scopes, processors), "stats", 0.0)
        judge_server(Key("k", frozenset({Scope.ADMIN}), ("p1", "*")), "stats", 0.0)

    def test_nobody(self) -> None:
        """Who has told no key may ping the server; where none is asked for, all may everything."""
        self.assertIsNone(verdict(GUEST, "ping", None))
        for operation, processor in (
            ("ping", "p1"),
            ("list_processors", None),
            ("subscribe", None),
        ):
            self.assertIsNotNone(verdict(GUEST, operation, processor))
            self.assertIsNone(verdict(EVERYBODY, operation, processor))
