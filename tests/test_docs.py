"""What the documentation says is true."""

import json
import math
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.engine import Observation, Processor
from tests.pages import anchors, pages

DOCS = Path(__file__).parent.parent / "docs"
_FIELD = re.compile(r"^\| `(\w+)` \| (.*) \| `(.*)` \|$", re.MULTILINE)
_ENTRY = re.compile(r"^\| `(\[.*\])` \| `(.*)` \| `(.*)` \| `(.*)` \|$", re.MULTILINE)
_SUM = re.compile(r"((?:[\dk.+−×/()√⁸ ]|ln )*\d[)⁸]*) = ([\d.]+(?: / \d+)?)\b")
_SIGNS = (
    ("×", "*"),
    ("−", "-"),
    ("⁸", "**8"),
    ("2k", "2*k"),
    (r"√\(([^)]*)\)", r"sqrt(\1)"),
    (r"√(\d+)", r"sqrt(\1)"),
    (r"ln ([\d.]+)", r"log(\1)"),
)


def worth(sum_: str) -> float:
    """What a sum as the page writes it comes to."""
    for sign, meaning in _SIGNS:
        sum_ = re.sub(sign, meaning, sum_)
    value: float = eval(sum_, {"k": 2, "sqrt": math.sqrt, "log": math.log})
    return value


def tolerance(written: str) -> float:
    """How far a number may be off that was made from rounded ones and is rounded itself."""
    decimals = len(written.partition(".")[2])
    return 2 * 10.0**-decimals if decimals >= 3 else 1e-9


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
        return {name: json.loads(value) for name, _, value in self.rows(heading)}

    def rows(self, heading: str) -> list[tuple[str, str, str]]:
        """A section's rows: a field, how it is worked out, and its value."""
        section = self.page.partition(f"### {heading}\n")[2].partition("\n##")[0]
        return _FIELD.findall(section.replace("\\|", "|"))

    def test_predictions(self) -> None:
        """The example's predictions have the values that the page works out, in its order."""
        second, first = self.processor.predictions()
        self.assertEqual(self.fields("Where model A matches"), first)
        told = self.fields("Where model B matches")
        self.assertGreaterEqual(len(told), 10)
        self.assertEqual(told, {name: second[name] for name in told})

    def test_sums(self) -> None:
        """Every sum that the page writes out comes to what it says; only letters are defined."""
        sums = _SUM.findall(self.page)
        for sum_, written in sums:
            self.assert_near(worth(sum_), written)
        self.assertEqual(len(sums), self.page.count(" = ") - self.page.count("* = "))

    def test_how(self) -> None:
        """A field whose value is a number is worked out to that number."""
        for heading in ("Where model A matches", "Where model B matches"):
            for name, how, value in self.rows(heading):
                sums = _SUM.findall(how)
                if sums and isinstance(number := json.loads(value), float):
                    self.assert_near(number, sums[-1][1], name)

    def assert_near(self, value: float, written: str, what: str = "") -> None:
        """The page writes this value, rounded."""
        difference = abs(value - worth(written))
        self.assertLessEqual(difference, tolerance(written), f"{what}: {value} is not {written}")

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
        """A link within the documentation leads to a page that is there, and to a heading of its
        if it names one."""
        lost = []
        for page in pages():
            text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
            for link, _, anchor in re.findall(r"\]\(([^)#:\s]*)(#([^)\s]*))?\)", text):
                target = page.parent / link if link else page
                if not target.exists():
                    lost.append(f"{page.name}: {link}")
                elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
                    lost.append(f"{page.name}: {link}#{anchor}")
        self.assertEqual(lost, [])

    def test_anchors(self) -> None:
        """A heading is found by its words in small letters, the second of the same by a number;
        what looks like one in a block of code is none."""
        text = "# A `b` & [c](d.md)\n\n## GET /{id}/x-y\n\n```\n# no\n```\n\n## GET /{id}/x-y\n"
        self.assertEqual(anchors(text), {"a-b--c", "get-idx-y", "get-idx-y-1"})
