"""Data of a server in and out: the work is done by C{kato.moving}, which is told which store is
meant."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from kato.manager.registry import Registry
from kato.manager.system import System
from kato.manager.trouble import Trouble

MOVES: Mapping[str, str] = {
    "export": "write processors of a server that does not run into a file",
    "import": "bring processors from such a file into a server that does not run",
    "backup": "copy what a server with SQLite holds, also while it runs",
    "restore": "put such a copy in the place of what a server that does not run holds",
}
"""The commands, with what they do."""

_FILES: Mapping[str, str] = {
    "export": "what is written: one JSON object a line; it must not be there yet",
    "import": "what export wrote; a processor comes whole or not at all, and typed again after it "
    "was broken off, the command goes on",
    "backup": "the copy, a SQLite file; it must not be there yet; its SHA-256 comes beside it",
    "restore": "what backup wrote; what the server held before is kept, and told where",
}


def add_words(command: argparse.ArgumentParser, name: str) -> None:
    """Add what may be typed behind one of L{MOVES}."""
    command.add_argument("file", metavar="FILE", type=Path, help=_FILES[name])
    command.add_argument(
        "--storage", metavar="URL", help="which store, in place of that of the server --id"
    )
    if name in ("export", "import"):
        command.add_argument(
            "--processor",
            metavar="ID",
            action="append",
            default=[],
            help="only this one; may be repeated",
        )
    if name == "import":
        command.add_argument(
            "--replace",
            action="store_true",
            help="processors that are there and differ are replaced, not refused",
        )


ORIGINAL = "export-original"


def add_original(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command that knows a store of the original KATO, and none of ours."""
    text = "write a processor of the original KATO, from its MongoDB, into a file for import"
    command = commands.add_parser(ORIGINAL, help=text, description=text, allow_abbrev=False)
    command.add_argument("file", metavar="FILE", type=Path, help=_FILES["export"])
    command.add_argument(
        "--from",
        dest="source",
        metavar="URL",
        required=True,
        help="mongodb://host/database: the original has one database for each processor",
    )
    command.add_argument(
        "--processor", metavar="ID", help="its id from now on; the database's name if left out"
    )


class Moving:
    """Carries out one of L{MOVES}."""

    def __init__(
        self, home: Path, *, system: System, environment: Mapping[str, str], folder: Path
    ) -> None:
        """
        @param home: where the registry lies, and below it each server's data.
        @param folder: where the person is who types.
        """
        self._home = home.absolute()
        self._system = system
        self._environment = environment
        self._folder = folder

    def carry_out(self, typed: argparse.Namespace) -> NoReturn:
        """Go on as the program that does it.

        @raise Trouble: where it is not clear which store is meant.
        """
        storage, folder = self._storage(typed)
        self._system.become(
            [
                *(sys.executable, "-P", "-m", "kato.moving", typed.command),
                *(f"--processor={each}" for each in vars(typed).get("processor", ())),
                *(["--replace"] if vars(typed).get("replace") else []),
                *("--", str(self._folder / typed.file)),
            ],
            environment={"KATO_STORAGE": storage},  # it may hold a password
            folder=folder,
        )

    def export_original(self, typed: argparse.Namespace) -> NoReturn:
        """Go on as the program that does it."""
        self._system.become(
            [
                *(sys.executable, "-P", "-m", "kato.moving", ORIGINAL),
                *([f"--processor={typed.processor}"] if typed.processor else []),
                *("--", str(self._folder / typed.file)),
            ],
            environment={"KATO_ORIGINAL": typed.source},  # it may hold a password
            folder=self._folder,
        )

    def _storage(self, typed: argparse.Namespace) -> tuple[str, Path]:
        """The store that is meant, and the folder from which a relative path in it is."""
        if typed.storage:
            return typed.storage, self._folder
        instance = Registry(self._home).read().get(typed.id)
        if instance is None:
            return self._of_nobody(typed.id), self._folder
        if instance.services:
            raise Trouble(
                f"--id {typed.id}: each of its services has a store of its own; name one, from "
                f"--id {typed.id}.1 to --id {typed.id}.{instance.services}"
            )
        return instance.storage, Path(instance.folder)

    def _of_nobody(self, instance_id: str) -> str:
        """What a server of this id would have, if it were started now."""
        own = self._home / "instances" / instance_id / "kato.db"
        return self._environment.get("KATO_STORAGE") or f"sqlite://{quote(str(own))}"
