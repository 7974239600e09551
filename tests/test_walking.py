"""Pages are followed word for word, and one that leads astray is found out."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.source import ROOT
from tests.walking import Astray, Opened, Typed, Walk, Written, fits, steps

PAGE = """Write this into `a.txt`:

```python
one
```

```console
$ cat a.txt
one
$ printf 'two %s\\n' \\
    three
two …
```

```
$ exit 1
```

Open http://127.0.0.1:8000/ in a browser.
"""


class WalkingTests(SynchronousTestCase):
    """How a page is read and followed."""

    def walk(self) -> Walk:
        folder = Path(self.mktemp())
        folder.mkdir()
        return Walk(folder, os.environ)

    def test_steps(self) -> None:
        """Files are written and commands typed in the order of the page; other blocks are not."""
        self.assertEqual(
            list(steps(PAGE)),
            [
                Written("a.txt", "one\n"),
                Typed("cat a.txt", "one\n"),
                Typed("printf 'two %s\\n' \\\n    three", "two …\n"),
                Opened("http://127.0.0.1:8000/"),
            ],
        )

    def test_followed(self) -> None:
        """A page that is right is followed to its end."""
        self.assertEqual(self.walk().follow(PAGE.partition("Open")[0]), 2)

    def test_astray(self) -> None:
        """Where something else is printed the command is told, and both texts."""
        page = "```console\n$ echo one\ntwo\n```\n"
        error = self.assertRaises(Astray, self.walk().follow, page)
        self.assertEqual(str(error), "$ echo one\nis to print\ntwo\n\nand printed\none\n")
        self.assertRaises(Astray, self.walk().follow, "```console\none\n```\n")

    def test_port(self) -> None:
        """Where a server tells another port than the page's, that is typed."""
        walk = self.walk()
        walk.follow(
            "```console\n$ echo ready at http://127.0.0.1:80''01\n…\n$ echo :8000\n:8000\n```\n"
        )
        self.assertEqual(walk.port, "8001")

    def test_anything(self) -> None:
        """The sign for anything stands for something."""
        self.assertTrue(fits("a 12 b\n", "a … b"))
        self.assertFalse(fits("a  b\n", "a … b"))
        self.assertTrue(fits("", ""))
        self.assertFalse(fits("a\n", ""))


class StartTests(SynchronousTestCase):
    """docs/start.md, which .ci/run follows with an environment that it makes as the page says."""

    def test_complete(self) -> None:
        """It begins with nothing, installs, and uses nothing but what it has installed."""
        page = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
        commands = [each.command for each in steps(page) if isinstance(each, Typed)]
        self.assertEqual(commands[0], "python3 -m venv kato")
        for each in commands[1:]:
            self.assertRegex(each, r"^(kato/bin/|curl http://127\.0\.0\.1:8000/)")
        self.assertIn(Opened("http://127.0.0.1:8000/"), steps(page))
