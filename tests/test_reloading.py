"""What is read again while a service runs (SPEC 10)."""

from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kato.reloading import NotReadable, Reloading


class ReloadingTests(SynchronousTestCase):
    """L{Reloading} of parts that the test moves."""

    def setUp(self) -> None:
        self.reloading = Reloading()
        self.read: list[str] = []

    def add(self, what: str, error: Exception | None = None) -> None:
        def read() -> None:
            self.read.append(what)
            if error is not None:
                raise error

        self.reloading.add(what, read)

    def said(self) -> list[tuple[LogLevel, str]]:
        """What the log says when all is read again."""
        with capturedLogs() as events:
            self.reloading.read_again()
        return [(each["log_level"], formatEvent(each)) for each in events]

    def test_nothing(self) -> None:
        """Where there is nothing to read, that is said."""
        self.assertEqual(self.said(), [(LogLevel.info, "SIGHUP: there is nothing to read again")])

    def test_all(self) -> None:
        """All is read, in the order in which it was added, each time."""
        self.add("keys")
        self.add("certificate")
        said = [(LogLevel.info, "keys: read again"), (LogLevel.info, "certificate: read again")]
        self.assertEqual(self.said(), said)
        self.assertEqual(self.said(), said)
        self.assertEqual(self.read, ["keys", "certificate"] * 2)

    def test_not_readable(self) -> None:
        """What cannot be used is one line, and hinders nothing else."""
        self.add("keys", NotReadable("keys.toml: no such file"))
        self.add("certificate")
        self.assertEqual(
            self.said(),
            [
                (
                    LogLevel.error,
                    "keys: keys.toml: no such file; what was read before stays in use",
                ),
                (LogLevel.info, "certificate: read again"),
            ],
        )

    def test_defect(self) -> None:
        """A defect of one part is logged as such, and the others are read."""
        self.add("keys", ZeroDivisionError())
        self.add("certificate")
        levels = [level for level, _ in self.said()]
        self.assertEqual(levels, [LogLevel.critical, LogLevel.info])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
