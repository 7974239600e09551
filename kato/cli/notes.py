"""A note of how far a load has come, in the user's cache folder (docs/cli.md)."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_cache_path


@dataclass(frozen=True, slots=True)
class Note:
    """How far a load has come.

    C{contents} is a fingerprint of what is loaded, and how; C{turn} tells apart loads of the same.
    C{done} counts observations; C{line} is where the last one stands, and C{last} its C{unique_id};
    C{model} was learned last; C{finished} says that nothing is left.
    """

    contents: str
    turn: str = ""
    done: int = 0
    line: int = 0
    last: str = ""
    model: str = ""
    finished: bool = False

    @property
    def load(self) -> str:
        """What the ids of this load begin with."""
        return fingerprint(self.contents, self.turn)[:24]


class NoteBook:
    """Keeps the note of one load."""

    def __init__(self, folder: Path, *what: str) -> None:
        """
        @param what: what tells the load apart: server, processor, file.
        """
        self._path = folder / f"{fingerprint(*what)}.json"

    def read(self) -> Note | None:
        """The note, if there is one that can be read."""
        try:
            return Note(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, note: Note) -> None:
        """Keep a note in the place of the one before.

        @raise OSError: it cannot be kept.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(asdict(note)), encoding="utf-8")
        new.replace(self._path)


def fingerprint(*what: str) -> str:
    """A fingerprint of words in their order."""
    return hashlib.sha256("\0".join(what).encode("utf-8", "surrogateescape")).hexdigest()


def loads_folder() -> Path:
    """Where notes are kept."""
    return user_cache_path("kato", appauthor=False) / "loads"
