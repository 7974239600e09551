"""Programs for Node, and the packages that they need."""

import os
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.live.server import LONG_PATIENCE, ROOT

_INSTALL = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
_TRIES = 4
"""A package index is asked over a network, which may have a bad moment."""


def need_node() -> None:
    """Node is there, or what needs it is skipped, except in CI."""
    if shutil.which("node") and shutil.which("npm"):
        return
    if "CI" in os.environ:
        raise AssertionError("Node is required here: apt-get install nodejs npm")
    raise SkipTest("there is no Node here: install node and npm")


def run(*command: str, folder: Path = ROOT) -> str:
    """Run a program that must succeed; gives what it printed."""
    done = _ended(*command, folder=folder)
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout}\n{done.stderr}")
    return done.stdout


def install(folder: Path) -> None:
    """Install the packages that a folder's C{package.json} names, without running any of them."""
    for _ in range(_TRIES):
        done = _ended(*_INSTALL, folder=folder)
        if not done.returncode:
            return
    raise AssertionError(f"the packages cannot be installed: {done.stdout}\n{done.stderr}")


def _ended(*command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LONG_PATIENCE, check=False
    )
