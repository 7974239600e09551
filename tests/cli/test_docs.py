"""The page on the program says what there is, and it is so."""

import os
import re
import subprocess
import sys
from collections import Counter
from typing import TypeGuard

import click

import kato.client
from kato.cli.commands import shared_options
from kato.cli.exits import in_one_line
from kato.cli.program import program
from kato.client import KatoError
from kato.errors import BY_CODE
from tests.cli.running import ProgramCase
from tests.live.server import LONG_PATIENCE
from tests.pages import faults, names, options, rows, section
from tests.source import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))


OWN = {
    "observe": r"^Options of `observe`:\n\n(.*?)\n\n",
    "watch": r"^## Watch\n(.*?)^## ",
    "load": r"^## Load a file\n(.*?)^## ",
}
"""Where the options of a command have a table; those of others stand in the row of the command."""

EMOTIVES = {"--NAME", "--joy"}
"""An emotive as an option, which may have any name."""


def uses() -> list[tuple[str, str]]:
    """The rows about commands: how each is used, and all that is said."""
    return [
        (name, " ".join(row))
        for row in rows(PAGE)
        for name in names(row[:1])
        if name.startswith("kato ")
    ]


def options_told(name: str) -> Counter[str]:
    """The options that the page tells of a command, and how often: those of a table in which they
    begin a row, and those that the rows of the command name."""
    found: Counter[str] = Counter()
    for use, said in uses():
        if use.split()[1] == name:
            found.update(options(names([said])).keys())
    if name in OWN:
        [table] = re.findall(OWN[name], PAGE, re.MULTILINE | re.DOTALL)
        for row in rows(table):
            found.update(options(names(row[:1])).keys())
    return found


def taken(command: click.Command) -> set[str]:
    """The options that a command has, and not every one."""
    named = [*command.params, click.Option(["--help", "-h"])]
    return {name for each in named if isinstance(each, click.Option) for name in each.opts} - SHARED


SHARED = {name for each in shared_options() for name in each.opts} | {"--help", "-h"}


def is_error(value: object) -> TypeGuard[type[KatoError]]:
    """Whether it is a kind of error."""
    return isinstance(value, type) and issubclass(value, KatoError)


class PageTests(ProgramCase):
    """docs/cli.md."""

    def test_commands(self) -> None:
        """Every command is there, each use of it once, and no other."""
        named = {each.split()[1] for each in CODE if each.startswith("kato ")}
        self.assertEqual(faults(program.commands, Counter(named)), [])
        twice = [use for use, times in Counter(use for use, _ in uses()).items() if times > 1]
        self.assertEqual(twice, [])

    def test_options(self) -> None:
        """Every option of a command is told once, where the command is, and no other."""
        wrong = {}
        for name, command in program.commands.items():
            found = options_told(name)
            for each in EMOTIVES:
                found.pop(each, None)
            wrong[name] = faults(taken(command), found)
        self.assertEqual({name: each for name, each in wrong.items() if each}, {})

    def test_shared(self) -> None:
        """So is every option that all commands have, or the program as a whole."""
        table = section(PAGE, "## Options of every command")
        known = {name for each in program.params for name in each.opts} | SHARED
        self.assertEqual(faults(known, options(names(row[0] for row in rows(table)))), [])

    def test_codes(self) -> None:
        """Every code with which a line about an error begins is one of REST's, or told here."""
        own = [each for each in vars(kato.client).values() if is_error(each)]
        kinds = [*BY_CODE.values(), *own]
        codes = {in_one_line(kind("?")).split(": ")[1] for kind in kinds}
        self.assertEqual(sorted(codes - BY_CODE.keys() - {*CODE}), [])

    def test_no_others(self) -> None:
        """No option is told anywhere on the page that does not exist."""
        known = SHARED | EMOTIVES | {"--version"}
        for command in program.commands.values():
            known |= taken(command)
        self.assertEqual(sorted({each for each in options(CODE) if each[:2] == "--"} - known), [])

    def test_session(self) -> None:
        """The session at the beginning, typed again, prints what stands there."""
        [shown] = re.findall(r"```console\n(\$ kato observe.*?)```", PAGE, re.DOTALL)
        commands = re.findall(r"^\$ (.*)$", shown, re.MULTILINE)
        script = [f'kato() {{ FORCE_COLOR=$terminal "{sys.executable}" -m kato.cli "$@" 2>&1; }}']
        for each in commands:
            terminal = "" if "|" in each else "1"
            script += [f"terminal={terminal}", f"echo '$ {each}'", each]
        env = {**self.env, "TERM": "dumb", "COLUMNS": "102", "LINES": "40"}
        ended = subprocess.run(
            ["sh", "-c", "\n".join(script)],
            env={**os.environ, **env},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LONG_PATIENCE,
            check=False,
        )
        self.assertEqual(ended.stderr, "")
        printed = [each.rstrip() for each in ended.stdout.splitlines()]
        self.assertEqual(printed, [each.rstrip() for each in shown.splitlines()])

    def test_package(self) -> None:
        """The commands on the page for package indexes lead to a forecast."""
        text = (ROOT / "PACKAGE.md").read_text(encoding="utf-8")
        printed = [
            self.okay(*each.split()) for each in re.findall(r"^\$ kato (.*)$", text, re.MULTILINE)
        ]
        self.assertEqual(printed[-1].split()[0], "bus", printed)
