"""The documentation as a site (docs/build.py): what is in its navigation, and what is made of the
code.  That it builds without a warning is seen by .ci/run."""

import re
import runpy
import sys
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS
from kato.errors import BY_CODE
from kato.genes import NAMES
from tests.source import ROOT

DOCS = ROOT / "docs"
INDEX = (DOCS / "README.md").read_text(encoding="utf-8")


class SiteTests(SynchronousTestCase):
    """Its navigation, and its pages of reference."""

    def setUp(self) -> None:
        self.patch(sys, "path", [str(DOCS), *sys.path])
        self.reference: dict[str, Any] = runpy.run_path(str(DOCS / "reference.py"))

    def configuration(self) -> dict[str, Any]:
        return runpy.run_path(str(DOCS / "conf.py"))

    def test_navigation(self) -> None:
        """Every page is in the navigation, which is made of the links of the entrance."""
        contents = self.configuration()["navigation"](INDEX)
        listed = set(re.findall(r"^[\w./-]+$", contents, re.MULTILINE))
        pages = {
            str(page.relative_to(DOCS).with_suffix(""))
            for page in DOCS.rglob("*.md")
            if page.name != "README.md" or page.parent != DOCS
        }
        missing = pages - listed - {f"reference/{name}" for name in self.reference["PAGES"]}
        self.assertEqual(sorted(missing), [], "docs/README.md has no link to these")

    def test_captions(self) -> None:
        """A section of the entrance is one of the navigation, pages in the order of their links."""
        made = self.configuration()["navigation"](
            "# All\n\n[no](no.md)\n\n## One\n\n- [a](a.md): as [b](x/b.md#c)\n- [c](../C.md)\n"
        )
        self.assertIn(":caption: One\n\na\n../C\n```", made)
        self.assertNotIn("no", made.partition(":caption: Reference")[0].replace("toctree", ""))

    def test_reference(self) -> None:
        """All operations, genes and codes of errors stand in pages that are made of the code."""
        for page, names in (
            ("operations", OPERATIONS),
            ("genes", NAMES),
            ("errors", BY_CODE),
        ):
            rows = re.findall(r"^\| `(\w+)` \|", self.reference["PAGES"][page](), re.MULTILINE)
            self.assertEqual(sorted(rows), sorted(names))

    def test_genes(self) -> None:
        """What a gene accepts is told in the words in which it refuses the rest."""
        page = self.reference["genes"]()
        self.assertIn("| `recall_threshold` | `0.1` | a number from 0.0 to 1.0 |", page)
        self.assertIn('| `stm_mode` | `"TAIL"` | one of TAIL, CLEAR, ROLLING |', page)
        self.assertIn("| `vector_max_distance` | `null` | a number from 0.0 up |", page)

    def test_python(self) -> None:
        """All that programs may import has a sentence, and a link into the reference."""
        page = self.reference["python"]()
        self.assertIn(
            "<a href='../../api/kato.client.Client.html'>Client</a> | Asks one server", page
        )
        self.assertIn("<a href='../../api/kato.engine.Processor.html'>Processor</a>", page)
        self.assertNotRegex(page, r"[A-Z]\{")
        self.assertEqual(re.findall(r"\| +\|\n", page.replace("|  |  |\n", "")), [])
