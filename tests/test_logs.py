"""The log's lines, for people and for programs (SPEC 10)."""

import io
import json
from pathlib import Path

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kato.logs import log_to, observer
from kato.protocols.rest.access_log import Answered


class LogTests(SynchronousTestCase):
    """L{observer} at the end of a logger."""

    def written(self, *, level: str = "info", as_json: bool = False) -> list[str]:
        """Log a few events, and give the lines that come of it."""
        file = io.StringIO()
        log = Logger("kato.test", observer=observer(file, level=level, as_json=as_json))
        log.debug("hidden")
        log.info("learned {count} of {what}", count=3, what={"a": 1}, _odd=1)
        log.error("line\nbreak")
        return file.getvalue().splitlines()

    def test_text(self) -> None:
        """A line has time, level, place and message; more lines of one event are indented."""
        first, second, third = self.written()
        self.assertRegex(
            first, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* info  kato\.test: learned 3 of {'a': 1}$"
        )
        self.assertRegex(second, r" error kato\.test: line$")
        self.assertEqual(third, "\tbreak")

    def test_json(self) -> None:
        """As JSON an event is one line, with the fields that it was logged with."""
        first, second = map(json.loads, self.written(as_json=True))
        self.assertIsInstance(first.pop("time"), float)
        self.assertEqual(
            first,
            {
                "level": "info",
                "namespace": "kato.test",
                "message": "learned 3 of {'a': 1}",
                "count": 3,
                "what": "{'a': 1}",
            },
        )
        self.assertEqual(second["message"], "line\nbreak")

    def test_many_lines(self) -> None:
        """An event that tells many things at once is a line for each, at its own time."""
        told = [
            Answered(b"GET", b"/p1?x=1", 200, 3.0, 3.0 + i, b"r%d" % i, client)
            for i, client in enumerate((None, "192.0.2.99"))
        ]
        file = io.StringIO()
        log = Logger("kato.test", observer=observer(file, level="info", as_json=False))
        log.info("{number} requests", number=2, lines=told)
        first, second = file.getvalue().splitlines()
        self.assertTrue(first.endswith(" info  kato.test: GET /p1 200 0.000 ms r0 -"), first)
        self.assertTrue(
            second.endswith(" info  kato.test: GET /p1 200 1000.000 ms r1 192.0.2.99"), second
        )
        self.assertNotEqual(first[:19], second[:19])
        file = io.StringIO()
        log = Logger("kato.test", observer=observer(file, level="info", as_json=True))
        log.info("{number} requests", number=2, lines=told)
        _, line = map(json.loads, file.getvalue().splitlines())
        self.assertEqual((line["time"], line["path"], line["status"]), (4.0, "/p1", 200))
        self.assertEqual(line["message"], "GET /p1 200 1000.000 ms r1 192.0.2.99")

    def test_failure(self) -> None:
        """A failure comes with its traceback, in either form."""
        for as_json in (False, True):
            file = io.StringIO()
            log = Logger("kato.test", observer=observer(file, level="info", as_json=as_json))
            try:
                raise ZeroDivisionError("here")
            except ZeroDivisionError:
                log.failure("a defect", failure=Failure())
            self.assertIn("a defect", file.getvalue())
            self.assertIn("ZeroDivisionError: here", file.getvalue())

    def test_level(self) -> None:
        """Events below the level are left out."""
        self.assertEqual(len(self.written(level="debug")), 4)
        self.assertEqual(len(self.written(level="error")), 2)

    def test_file(self) -> None:
        """The log goes on at the end of a file that is there."""
        path = self.mktemp()
        for message in ("one", "two"):
            made = log_to(path, level="info", as_json=False)
            Logger("kato.test", observer=made).info(message)
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        self.assertEqual([line[-3:] for line in lines], ["one", "two"])
