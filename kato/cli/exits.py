"""With what status the program ends, and the line in which it says why (docs/cli.md)."""

from typing import IO, Any

import click

from kato.cli.wording import one_line
from kato.client import ForeignAnswer, KatoError, NoAnswer
from kato.errors import Forbidden, Unauthorized

REFUSED = 1
WRONG_USAGE = 2
NOT_REACHED = 3
NOT_ALLOWED = 4
INTERRUPTED = 130


class Trouble(click.ClickException):
    """What no server need be asked for: a file cannot be read, for example."""

    exit_code = WRONG_USAGE

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it in one line."""
        click.echo(f"kato: {self.message}", file=file, err=file is None)


class Refused(Trouble):
    """The server is not in the state in which what was asked for would be right."""

    exit_code = REFUSED


def exit_status(error: KatoError) -> int:
    """The status that tells of an error."""
    if isinstance(error, NoAnswer | ForeignAnswer):
        return NOT_REACHED
    return NOT_ALLOWED if isinstance(error, Unauthorized | Forbidden) else REFUSED


def in_one_line(error: KatoError) -> str:
    """What is said of an error: its code, and its message."""
    doubt = "; it may have been done" if error.outcome_unknown else ""
    return f"kato: {one_line(error.error_code)}: {one_line(error.message)}{doubt}"
