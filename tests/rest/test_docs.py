"""What docs/rest.md says, sent to the system: every example gets the answer that stands there."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from uuid import UUID

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import RESERVED
from kato.errors import KatoError
from kato.genes import NAMES
from kato.protocols.rest.routes import ROUTES
from tests.rest.system import System
from tests.rest.talking import request

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "rest.md"
EXAMPLE = re.compile(r"^\$ curl (.*)\n(\{.*\})$", re.MULTILINE)
URL = "localhost:8000"


def as_bytes(arguments: str) -> bytes:
    """The request that C{curl} makes of these arguments."""
    method, path, body, headers = None, "", None, []
    words = iter(shlex.split(arguments))
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            headers.append(next(words))
        elif word == "-d":
            body = next(words).encode()
        else:
            assert word.startswith(URL), word
            path = word.removeprefix(URL)
    if body is not None:
        headers.append("Content-Type: application/x-www-form-urlencoded")
    return request(method or ("GET" if body is None else "POST"), path, body, *headers)


VARYING = ("time_stamp", "store", "matcher", "memory", "uptime", "connections")


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer in which what is another one each time, or on each machine, is only named."""
    kept: dict[str, Any] = {key: ... if key in VARYING else value for key, value in answer.items()}
    if "unique_id" in kept:
        try:
            UUID(kept["unique_id"])
        except ValueError:
            return kept
        del kept["unique_id"]
    return kept


class ExampleTests(SynchronousTestCase):
    """The session that the page shows."""

    def test_answers(self) -> None:
        """Each request is answered as the page says."""
        system = System()
        self.successResultOf(system.start)
        examples = EXAMPLE.findall(DOCS.read_text(encoding="utf-8"))
        self.assertGreater(len(examples), 30)
        for arguments, written in examples:
            [answer] = system.ask(as_bytes(arguments))
            self.assertEqual(lasting(answer.json), lasting(json.loads(written)), arguments)

    def test_every_example_is_read(self) -> None:
        """No example is passed over."""
        text = DOCS.read_text(encoding="utf-8")
        self.assertEqual(len(EXAMPLE.findall(text)), text.count("$ curl"))


class CompletenessTests(SynchronousTestCase):
    """What the page must speak of."""

    def test_nothing_is_missing(self) -> None:
        """Every route, error, gene and reserved word is there."""
        text = DOCS.read_text(encoding="utf-8")
        for route in ROUTES:
            self.assertIn(f"| `{route.method}` | `{route.path}` |", text)
            self.assertIn(f"{route.method} {route.path}", text)
        codes = [each.error_code for each in KatoError.__subclasses__()]
        for word in [*codes, *NAMES, *RESERVED]:
            self.assertIn(f"`{word}`", text)
