"""C{kato-manager.sh curve}: what is carried out in its place."""

import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.manager.__main__ import parser
from kato.manager.curve import make_keys
from tests.manager.doubles import Became, FakeSystem

HERE = Path("/where/the/person/is")


class CurveTests(SynchronousTestCase):
    """The manager goes on as the program that makes keys."""

    def test_words(self) -> None:
        """What was typed is handed on, and files are where the person is."""
        for typed, words in (
            (["create", "a.curve"], ["create", f"{HERE}/a.curve"]),
            (["client", "reports"], ["client", "reports"]),
            (
                ["client", "reports", "--curve", "/a.curve"],
                ["client", "--curve", "/a.curve", "reports"],
            ),
        ):
            with self.assertRaises(Became) as caught:
                make_keys(parser().parse_args(["curve", *typed]), system=FakeSystem(), folder=HERE)
            self.assertEqual(
                caught.exception.command, [sys.executable, "-P", "-m", "kato.curve_keys", *words]
            )
