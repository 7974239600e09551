"""What C{docs/moving.md} shows is what there is."""

import re
from zlib import crc32

from kato.moving.notation import READERS
from tests.moving.files import exported, stored
from tests.moving.test_files import FileCase
from tests.source import ROOT
from tests.storage.test_docs import weather


class MovingPageTests(FileCase):
    """The page, and a file as it tells of it."""

    def setUp(self) -> None:
        super().setUp()
        self.page = (ROOT / "docs" / "moving.md").read_text(encoding="utf-8")
        exported(stored([weather().drain()]), self.path)

    def test_file(self) -> None:
        """The lines are those of the processor that the page of storage tells of."""
        [shown] = re.findall(r"^```\n(.*?)^```$", self.page, re.MULTILINE | re.DOTALL)
        written = self.path.read_text(encoding="utf-8").splitlines()
        for mine, theirs in zip(written, shown.splitlines(), strict=True):
            self.assertRegex(mine, "^" + re.escape(theirs).replace("…", ".+?") + "$")

    def test_keys(self) -> None:
        """Every line is told of by its first key, and no other."""
        rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| [^|]+ \| [^|]+ \|$", self.page, re.MULTILINE)
        told = [key for row in rows for key in re.findall(r"\w+", row)]
        self.assertEqual(
            sorted(told), sorted(["kato", "processor", *READERS, "end_of", "deletion", "end"])
        )

    def test_checksum(self) -> None:
        """The checksum of a line is of all that stands before it."""
        written = self.path.read_bytes()
        for found in re.finditer(rb',"crc":"(\w+)"}\n', written):
            self.assertEqual(int(found[1], 16), crc32(written[: found.start()]))
