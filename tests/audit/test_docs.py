"""What C{docs/audit.md} shows is what there is."""

import re
from hashlib import sha256
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kato.audit.lines import _BRIEF
from kato.audit.provenance import learned
from kato.audit.reading import name_of
from kato.auditing.verifying import verify
from kato.changes import Snapshot
from tests.audit.logs import now, replayed, told
from tests.source import ROOT


class AuditPageTests(SynchronousTestCase):
    """The page, and the log that it shows."""

    def setUp(self) -> None:
        self.page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
        [self.lines] = re.findall(r"^```\n(.*?)^```$", self.page, re.MULTILINE | re.DOTALL)
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        (self.folder / name_of(1)).write_text(self.lines, encoding="utf-8")

    def test_whole(self) -> None:
        """The log is as it was written, and its head is the hash of its last line."""
        last = self.lines.encode().splitlines()[-1]
        found = verify(self.folder)
        self.assertEqual(found.head.digest, sha256(last).hexdigest())
        self.assertFalse(found.written)

    def test_replayed(self) -> None:
        """What it tells makes the processor that the page speaks of: two days learned, and the
        third one gone."""
        [read] = [now(replayed(self.folder).load("weather", lambda each: each))]
        assert isinstance(read, Snapshot)
        self.assertEqual((read.state.revision, read.state.interval), (3, 2))
        [model] = read.models
        self.assertEqual(model.sequence, (("cold", "rain"), ("sun",)))
        self.assertEqual(model.name, told(self.folder)[4]["result"]["model_name"])

    def test_learned(self) -> None:
        """What was learned is found, with the fields that the page names."""
        name = told(self.folder)[4]["result"]["model_name"]
        known = learned(self.folder, "weather", name, [["cold", "rain"], ["sun"]])
        ids = [each["unique_id"] for each in known["first"]["observations"]]
        self.assertEqual(ids, ["monday", "tuesday"])
        section = self.page.partition("## When a model was learned")[2]
        self.assertEqual(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE), sorted_as(known))
        for field in known["first"]:
            self.assertIn(f"`{field}`", section)

    def test_fields(self) -> None:
        """Every field of the lines has its row, and everything that a result may tell is named."""
        rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", self.page, re.MULTILINE)
        named = {field for row in rows for field in re.findall(r"\w+", row)}
        told_of = {field for each in told(self.folder) for field in each}
        self.assertEqual(
            told_of - named - {"event", "revisions", "format", "version", "store"}, set()
        )
        for word in (*_BRIEF, "made", "read", "cut", "adopted"):
            self.assertIn(f"`{word}`", self.page)


def sorted_as(known: dict[str, object]) -> list[str]:
    """The fields in the order in which a reader meets them."""
    order = ["times", "latest", "first", "searched"]
    return sorted(known, key=order.index)
