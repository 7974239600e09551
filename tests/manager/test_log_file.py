"""What a server said, read while it goes on."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.manager import log_file
from kato.manager.log_file import LogFile


class LogFileTests(SynchronousTestCase):
    """L{LogFile}."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp() + ".log")
        self.log = LogFile(self.path)

    def test_last(self) -> None:
        """The last lines are given, whether the very last is complete or not."""
        for text in ("one\ntwo\nthree\n", "one\ntwo\nthree"):
            self.path.write_text(text, encoding="utf-8")
            self.assertEqual(self.log.last(2), ["two", "three"])
            self.assertEqual(self.log.last(9), ["one", "two", "three"])
            self.assertEqual(self.log.last(0), [])

    def test_since(self) -> None:
        """What stood there before is left out."""
        self.path.write_text("one\ntwo\nthree\n", encoding="utf-8")
        self.assertEqual(self.log.last(9, since=4), ["two", "three"])
        self.assertEqual(self.log.last(1, since=4), ["three"])
        self.assertEqual(self.log.last(9, since=14), [])

    def test_missing(self) -> None:
        """Where there is no file there are no lines."""
        self.assertEqual(self.log.last(5), [])

    @settings(deadline=None, max_examples=60)
    @given(
        lines=st.lists(st.text("aé", max_size=9), max_size=12),
        complete=st.booleans(),
        count=st.integers(0, 14),
        block=st.integers(1, 40),
    )
    def test_law(self, lines: list[str], complete: bool, count: int, block: int) -> None:
        """The last lines are the end of all lines, however large the blocks in which the file is
        read."""
        text = "\n".join(lines) + ("\n" if complete else "")
        self.path.write_text(text, encoding="utf-8")
        self.patch(log_file, "_BLOCK", block)
        expected = text.split("\n")
        if expected[-1] == "":
            expected.pop()
        self.assertEqual(self.log.last(count), expected[-count:] if count else [])

    def test_follow(self) -> None:
        """Following gives the last lines, then what comes, then ends with its writer, of whose last
        words nothing is lost."""
        self.path.write_text("one\ntwo\n", encoding="utf-8")
        writer = [True]
        says = ["three\nfo", "ur\n", "last words\n"]

        def wait() -> None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(says.pop(0))
            writer[0] = bool(says)

        heard = self.log.follow(1, goes_on=lambda: writer[0], wait=wait)
        self.assertEqual("".join(heard), "two\nthree\nfour\nlast words\n")

    def test_prepare(self) -> None:
        """A log goes on where it ended; one that is full is put aside."""
        self.assertEqual(self.log.prepare(), 0)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.path.write_text("12345", encoding="utf-8")
        self.assertEqual(self.log.prepare(), 5)
        self.patch(log_file, "_FULL", 5)
        self.assertEqual(self.log.prepare(), 0)
        aside = self.path.with_suffix(".log.1")
        self.assertEqual(aside.read_text(encoding="utf-8"), "12345")
