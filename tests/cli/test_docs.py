"""The page on the program says what there is, and it is so."""

import os
import re
import subprocess
import sys

import click

from kato.cli.program import program
from tests.cli.running import ProgramCase
from tests.source import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))


class PageTests(ProgramCase):
    """docs/cli.md."""

    def test_commands(self) -> None:
        """Every command is there, and every option of it."""
        for name, command in program.commands.items():
            self.assertTrue([each for each in CODE if each.split()[:2] == ["kato", name]], name)
            options = [each for each in command.params if isinstance(each, click.Option)]
            for option in [name for each in options for name in each.opts]:
                said = [each for each in CODE if re.search(rf"(^|\s){option}\b", each)]
                self.assertTrue(said, f"{name} {option}")

    def test_no_others(self) -> None:
        """No command is told that does not exist, and no option."""
        named = {each.split()[1] for each in CODE if each.startswith("kato ")}
        self.assertEqual(named - {*program.commands}, set())
        known = {"--joy", "--NAME", "--version", "--help", "--"}
        for command in program.commands.values():
            known |= {name for each in command.params for name in each.opts}
        typed = {option for each in CODE for option in re.findall(r"(?<!\S)--[A-Za-z-]*", each)}
        self.assertEqual(typed - known, set())

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
            timeout=120,
            check=False,
        )
        self.assertEqual(ended.stderr, "")
        printed = [each.rstrip() for each in ended.stdout.splitlines()]
        self.assertEqual(printed, [each.rstrip() for each in shown.splitlines()])
