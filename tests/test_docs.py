"""What the documentation says is true."""

import json
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.engine import Observation, Processor

DOCS = Path(__file__).parent.parent / "docs"
_FIELD = re.compile(r"^\| `(\w+)` \|.*\| `(.*)` \|$", re.MULTILINE)
_ENTRY = re.compile(r"^\| `(\[.*\])` \| `(.*)` \| `(.*)` \| `(.*)` \|$", re.MULTILINE)


class ConceptsTests(SynchronousTestCase):
    """C{docs/concepts.md}."""

    def setUp(self) -> None:
        self.page = (DOCS / "concepts.md").read_text(encoding="utf-8")
        self.processor = Processor("p")
        first = ("alarm", "coffee toast", "bus", "work")
        second = ("alarm", "coffee", "walk", "park")
        for events, mood in ((first, 0.2), (first, 0.2), (second, 0.9)):
            self.observe(*events)
            self.processor.observe(Observation(emotives={"mood": mood}))
            self.processor.learn()
        self.observe("alarm", "coffee rain")

    def observe(self, *events: str) -> None:
        for event in events:
            self.processor.observe(Observation(strings=tuple(event.split())))

    def fields(self, heading: str) -> dict[str, Any]:
        """The fields that a section tells."""
        section = self.page.partition(f"### {heading}\n")[2].partition("\n##")[0]
        return {name: json.loads(value) for name, value in _FIELD.findall(section)}

    def test_predictions(self) -> None:
        """The example's predictions have the values that the page works out, in its order."""
        second, first = self.processor.predictions()
        for heading, prediction, least in (
            ("Where model A matches", first, len(first) - 2),
            ("Where model B matches", second, 10),
        ):
            told = self.fields(heading)
            self.assertGreaterEqual(len(told), least)
            self.assertEqual(told, {name: prediction[name] for name in told})

    def test_forecast(self) -> None:
        """The example's forecast is the page's."""
        told = [
            dict(zip(("event", "share", "models", "frequency"), map(json.loads, row), strict=True))
            for row in _ENTRY.findall(self.page)
        ]
        self.assertEqual(told, self.processor.forecast())


class LinkTests(SynchronousTestCase):
    """All pages."""

    def test_links(self) -> None:
        """A link within the documentation leads to a page that is there."""
        for page in [DOCS.parent / "README.md", *DOCS.rglob("*.md")]:
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
                self.assertTrue((page.parent / link).exists(), f"{page}: {link}")
