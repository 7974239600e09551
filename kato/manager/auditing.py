"""Audit logs, verified and replayed: the work is done by C{kato.auditing}."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from kato.manager.system import System

AUDIT = "see that an audit log is as it was written, or build processors again from it"
"""What C{audit} does."""

_STORES = {"into": "KATO_INTO", "against": "KATO_AGAINST"}
"""Options that may hold a password, and so are handed over by the environment."""


def add_words(command: argparse.ArgumentParser) -> None:
    """Add what may be typed behind C{audit}."""
    kinds = command.add_subparsers(dest="audit", metavar="COMMAND", required=True)
    text = "see that a log is as it was written, from its first line to its last"
    verify = kinds.add_parser("verify", help=text, description=text, allow_abbrev=False)
    verify.add_argument("folders", metavar="DIR", nargs=1, type=Path, help="the log")
    verify.add_argument(
        "--expect", metavar="HASH", help="a head that was noted, which the log must have reached"
    )
    verify.add_argument(
        "--after", metavar="HASH", help="the head of the last file that was put away before"
    )
    text = "build processors again from logs, into a store that is empty"
    replay = kinds.add_parser("replay", help=text, description=text, allow_abbrev=False)
    replay.add_argument(
        "folders",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="a log; those of all services that shared a store",
    )
    replay.add_argument("--into", metavar="STORE", required=True, help="where they are stored")
    replay.add_argument(
        "--processor",
        metavar="ID",
        action="append",
        default=[],
        help="only this one; may be repeated",
    )
    replay.add_argument(
        "--against", metavar="URL", help="a server or a store that they are compared with"
    )
    replay.add_argument("--api-key-file", metavar="FILE", type=Path, help="the key of that server")


class Auditing:
    """Carries out C{audit}."""

    def __init__(self, *, system: System, folder: Path) -> None:
        """@param folder: where the person is who types."""
        self._system = system
        self._folder = folder

    def carry_out(self, typed: argparse.Namespace) -> NoReturn:
        """Go on as the program that does it."""
        words = vars(typed)
        options = [f"--{name}={words[name]}" for name in ("expect", "after") if words.get(name)]
        options += [f"--processor={each}" for each in words.get("processor", ())]
        if words.get("api_key_file"):
            options.append(f"--api-key-file={self._folder / typed.api_key_file}")
        self._system.become(
            [
                *(sys.executable, "-P", "-m", "kato.auditing", typed.audit),
                *options,
                *("--", *(str(self._folder / each) for each in typed.folders)),
            ],
            environment={
                variable: words[name] for name, variable in _STORES.items() if words.get(name)
            },
            folder=self._folder,
        )
