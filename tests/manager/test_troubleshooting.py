"""docs/troubleshooting.md: what it says to type can be typed, and prints what it shows."""

import os
import re
import sys
from pathlib import Path

import yaml
from twisted.trial.unittest import SynchronousTestCase

from kato.manager.registry import Registry
from kato.manager.system import System
from tests.source import ROOT
from tests.walking import Walk

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


class TroubleshootingTests(SynchronousTestCase):
    """In a folder that looks like a checkout, with a server of its own."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / ".venv" / "bin").mkdir(parents=True)
        self.home = self.folder / "home"
        self.script(".venv/bin/python", sys.executable)
        self.script("kato-manager.sh", f"{sys.executable} -P -m kato.manager")
        self.addCleanup(self.end_all)

    def script(self, name: str, runs: str) -> None:
        """A program that runs another one with the same words."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\nexec {runs} "$@"\n', encoding="utf-8")
        path.chmod(0o755)

    def end_all(self) -> None:
        system = System()
        for each in Registry(self.home).read().values():
            if system.is_running(each.pid, each.birth):
                system.end(each.pid, at_once=True)

    def test_page(self) -> None:
        """Every command of the page prints what stands below it."""
        given = {name: value for name, value in os.environ.items() if not name.startswith("KATO_")}
        walk = Walk(self.folder, {**given, "KATO_HOME": str(self.home), "PYTHONPATH": str(ROOT)})
        start = "```console\n$ ./kato-manager.sh start\n…\n```\n"
        self.assertEqual(walk.follow(start + PAGE), 1 + len(re.findall(r"(?m)^\$ ", PAGE)))

    def test_containers(self) -> None:
        """Commands for containers name services that there are, and a program that they have."""
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
        told = re.findall(r"docker compose (?:exec|logs --tail \d+) ([\w-]+)(.*)", PAGE)
        self.assertGreaterEqual(len(told), 3)
        for service, program in told:
            self.assertIn(service, compose["services"])
            self.assertRegex(
                program, r"^( python -P -m kato\.health \w+://127\.0\.0\.1:\d+/ready)?$"
            )
