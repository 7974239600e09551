"""Pages that tell what to type are followed word for word: C{python -m tests.walking PAGE FOLDER}.

Of a page count the blocks marked C{console}, in which a line with C{$} is typed and what stands
below it is what it prints, C{…} being anything; a block behind a sentence that ends with the name
of a file, which is written into that file; and an address that is to be opened in a browser.
"""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PATIENCE = 300.0
"""Seconds after which a command that does not end is one that failed."""

_STEP = re.compile(
    r"Open (?P<url>http://[^ ]+) in a browser"
    r"|(?:`(?P<file>[^`\n]+)`:\n\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
_READY = re.compile(r"ready at http://127\.0\.0\.1:(\d+)")


class Typed(NamedTuple):
    """A command, and what it is to print."""

    command: str
    printed: str


class Written(NamedTuple):
    """A file, and what is to be written into it."""

    name: str
    text: str


class Opened(NamedTuple):
    """An address, where a page for people is to be."""

    url: str


class Astray(Exception):
    """A page does not lead where it says."""


def steps(page: str) -> Iterator[Typed | Written | Opened]:
    """What a page asks for, in its order."""
    for found in _STEP.finditer(page):
        if found["url"]:
            yield Opened(found["url"])
        elif found["file"]:
            yield Written(found["file"], found["text"])
        elif found["kind"] == "console":
            yield from _typed(found["text"])


def _typed(block: str) -> Iterator[Typed]:
    before, *commands = re.split(r"^\$ ", block, flags=re.M)
    if before:
        raise Astray(f"this is the output of no command: {before}")
    for each in commands:
        command, _, printed = each.partition("\n")
        while command.endswith("\\"):
            line, _, printed = printed.partition("\n")
            command += f"\n{line}"
        yield Typed(command, printed)


def fits(printed: str, shown: str) -> bool:
    """Whether something was printed as a page shows it."""
    pattern = re.escape(shown.rstrip("\n")).replace("…", ".+?")
    return re.fullmatch(pattern, printed.rstrip("\n"), re.S) is not None


class Walk:
    """Follows a page in a folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self.port = "8000"
        """Where the server answers that the page has started; the page says to type that."""

    def follow(self, page: str) -> int:
        """Do all that it says; gives how many commands those were.

        @raise Astray: where something else is printed than it shows.
        """
        commands = 0
        for step in steps(page.replace("\r\n", "\n")):
            if isinstance(step, Written):
                (self._folder / step.name).write_text(self._here(step.text), encoding="utf-8")
            elif isinstance(step, Opened):
                _open(self._here(step.url))
            else:
                self._type(step)
                commands += 1
        return commands

    def _type(self, step: Typed) -> None:
        ended = subprocess.run(
            ["bash", "-c", self._here(step.command)],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if found := _READY.search(ended.stdout):
            self.port = found[1]
        if not fits(ended.stdout, self._here(step.printed)):
            raise Astray(
                f"$ {step.command}\nis to print\n{step.printed}\nand printed\n{ended.stdout}"
                f"{ended.stderr}"
            )

    def _here(self, text: str) -> str:
        return text.replace(":8000", f":{self.port}")


def _open(url: str) -> None:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        if b"<title>" not in answer.read():
            raise Astray(f"{url} is no page")


def main(page: Path, folder: Path) -> None:
    """Follow a page in an empty folder, as somebody who has nothing of this project."""
    if any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty")
    names = ("PATH", "HOME", "LANG", "KATO_HOME")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith(("PIP_", "SSL_", "http", "HTTP"))
    }
    commands = Walk(folder, environment).follow(page.read_text(encoding="utf-8"))
    print(f"{commands} commands of {page} print what it shows")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
