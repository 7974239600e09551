"""Keys of servers: the work is done by C{kato.keying}, which knows how they are kept."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from kato.manager.system import System

COMMAND = "key"
"""The first word of all that is typed of keys; what follows is for the program that does it."""


def go_on(words: Sequence[str], *, system: System, folder: Path) -> NoReturn:
    """Go on as that program.

    @param words: what was typed behind C{key}.
    @param folder: where the person is who types.
    """
    command = [sys.executable, "-P", "-m", "kato.keying", *words]
    system.become(command, environment={}, folder=folder)
