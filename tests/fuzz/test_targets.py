"""All targets on their seeds, on what is kept of them, and on some mutations; and that a finding
is one."""

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS, Command
from kato.errors import InvalidRequest
from tests.fuzz.choices import Choices
from tests.fuzz.corpus import ENOUGH, FOLDER, grow, keep, kept
from tests.fuzz.laws import taken
from tests.fuzz.mutation import mutated
from tests.fuzz.operations import FIT, fit, parameters
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Broken, Target, hold
from tests.fuzz.trying import blindly, in_time, replayed, tried

_MUTATIONS = 30
"""So many of each are tried here: C{python -m tests.fuzz} is for more."""


class TargetTests(SynchronousTestCase):
    """All of the table."""

    def test_kept(self) -> None:
        """No seed, and nothing that was found once, breaks a law any more."""
        findings = [each for target in TARGETS.values() for each in replayed(target)]
        self.assertEqual(findings, [])

    def test_mutated(self) -> None:
        """Some mutations of them break none."""
        chance = random.Random(7)
        for target in TARGETS.values():
            for _ in range(_MUTATIONS):
                self.assertIsNone(tried(target, mutated(chance, target.seeds, target)))

    def test_corpus(self) -> None:
        """What is kept belongs to a target."""
        self.assertLessEqual({each.stem for each in FOLDER.glob("*.txt")}, set(TARGETS))


class OperationTests(SynchronousTestCase):
    """Requests that are made from the table of operations."""

    def test_parameters(self) -> None:
        """For each parameter of each operation a fit value is known, but for that of a gene."""
        named = {name for operation in OPERATIONS for name in parameters(operation)}
        self.assertEqual(named - FIT.keys(), {"value"})

    @settings(deadline=None)
    @given(st.sampled_from(sorted(OPERATIONS)), st.binary(max_size=60))
    def test_fit(self, operation: str, data: bytes) -> None:
        """What is made as fit is taken."""
        processor = None if operation == "list_processors" else "p1"
        Command.parse(operation, fit(operation, Choices(data)), processor)


def _bug(data: bytes) -> None:
    if data.startswith(b"ab"):
        raise ValueError(data)


class FindingTests(SynchronousTestCase):
    """What is made of a parser that breaks a law."""

    def test_found(self) -> None:
        """A bug is found by mutation, and told with what it was."""
        target = Target("planted", _bug, [b"aa"], [b"b"])
        number, finding = blindly(target, 20.0, seed=1)
        assert finding is not None
        self.assertGreater(number, 0)
        self.assertTrue(finding.data.startswith(b"ab"))
        self.assertIn("ValueError", finding.why)
        self.assertEqual(list(replayed(Target("planted", _bug, [finding.data]))), [finding])

    def test_hangs(self) -> None:
        """What takes too long is ended, and found."""

        def hang() -> None:
            while True:
                hold(True, "it hangs")

        with self.assertRaises(Broken), in_time(0.05):
            hang()

    def test_refusals(self) -> None:
        """A refusal that a client cannot read is a finding; another is none."""

        def refuse(message: str) -> None:
            raise InvalidRequest(message)

        self.assertIsNone(taken(refuse, "strings: wrong"))
        for message in ("", "two\nlines", "x" * 10_000):
            with self.assertRaises(Broken):
                taken(refuse, message)

    def test_corpus(self) -> None:
        """What is kept is tried again; the same is kept once."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.assertEqual(kept("a", folder), ())
        for data in (b"\x00\n'", b"b", b"b"):
            keep("a", data, "why\nso", folder)
        self.assertEqual(kept("a", folder), (b"\x00\n'", b"b"))
        grow("a", [b"cc", b"b", *(b"%3d" % each for each in range(ENOUGH))], folder)
        self.assertEqual(kept("a", folder)[:3], (b"\x00\n'", b"b", b"cc"))
        self.assertEqual(len(kept("a", folder)), ENOUGH)
