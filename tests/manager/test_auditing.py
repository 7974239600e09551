"""What is carried out where an audit log is meant."""

import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.__main__ import parser
from kato.manager.auditing import Auditing
from tests.manager.doubles import Became, FakeSystem


class AuditingTests(SynchronousTestCase):
    """The manager goes on as the program that does the work."""

    def type(self, *words: str) -> Became:
        typed = parser().parse_args(["audit", *words])
        auditing = Auditing(system=FakeSystem(), folder=Path("/here"))
        with self.assertRaises(Became) as caught:
            auditing.carry_out(typed)
        became: Became = caught.exception
        return became

    def test_verify(self) -> None:
        """What was typed is handed on, and folders are where the person is."""
        became = self.type("verify", "log", "--expect", "ab", "--after=cd")
        runs = [sys.executable, "-P", "-m", "kato.auditing"]
        words = ["verify", "--expect=ab", "--after=cd", "--", "/here/log"]
        self.assertEqual(became.command, [*runs, *words])

    def test_replay(self) -> None:
        """Stores, which may hold passwords, are handed over by the environment."""
        became = self.type(
            *("replay", "a", "/b", "--into", "mongodb://u:secret@h/d", "--processor", "p1"),
            *("--against", "http://h:1", "--api-key-file", "key"),
        )
        words = ["replay", "--processor=p1", "--api-key-file=/here/key", "--", "/here/a", "/b"]
        self.assertEqual(became.command[-len(words) :], words)
        self.assertEqual(
            became.environment,
            {"KATO_INTO": "mongodb://u:secret@h/d", "KATO_AGAINST": "http://h:1"},
        )
