"""One run of the program: whom it asks, as whom, and how it answers."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from kato.cli.exits import Trouble
from kato.cli.output import Output
from kato.cli.wording import one_line
from kato.client import Client, Patience
from kato.client.calls import Call
from kato.client.given import address, api_key
from kato.client.results import Answer
from kato.client.trying import Pause
from kato.errors import InvalidRequest

T = TypeVar("T")

DEFAULT_URL = "http://localhost:8000"
_PATIENCE = Patience(again=3)
_SOON = 1.5
"""After so many seconds it is said that something is tried again."""


class _SayingClient(Client):
    """Says once that it tries again, where that takes longer than a person expects."""

    def __init__(self, url: str, *, say: Callable[[str], object], **more: Any) -> None:
        """
        @param say: says a note.
        @param more: the rest of what a L{Client} is told.
        """
        super().__init__(url, **more)
        self._say = say
        self._began = 0.0
        self._said = False

    def carry_out(self, call: Call[T]) -> T:
        """Ask."""
        self._began = time.monotonic()
        return super().carry_out(call)

    def _wait(self, pause: Pause) -> None:
        if not self._said and time.monotonic() + pause.seconds - self._began >= _SOON:
            self._said = True
            self._say(f"{one_line(pause.why.message)}; trying again")
        super()._wait(pause)


@dataclass
class Session:
    """What was wished for, wherever among the words it was typed; C{environment} fills the gaps."""

    wished: dict[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    patience: Patience = _PATIENCE
    _client: Client | None = None

    def wish(self, name: str, value: object) -> None:
        """Take the value of one of the options that every command has."""
        self.wished[name] = value

    @property
    def as_json(self) -> bool:
        """Whether what reads is a program."""
        return bool(self.wished.get("json"))

    @property
    def quiet(self) -> bool:
        """Whether only results are to be printed."""
        return bool(self.wished.get("quiet"))

    @cached_property
    def output(self) -> Output:
        """Where it prints."""
        return Output(quiet=self.quiet)

    @property
    def url(self) -> str:
        """Where the server is reached."""
        url = self.wished.get("url") or self.environment.get("KATO_URL") or DEFAULT_URL
        try:
            return address(url)
        except InvalidRequest as error:
            raise click.UsageError(f"--{error.message}") from None

    @property
    def key(self) -> str | None:
        """With which key it asks, if with any."""
        typed, file = self.wished.get("key"), self.wished.get("key_file")
        if typed and file:
            raise click.UsageError("--key and --key-file: one of them is enough")
        file = file or (None if typed else self.environment.get("KATO_API_KEY_FILE"))
        key = _read_key(Path(file)) if file else typed or self.environment.get("KATO_API_KEY")
        try:
            return api_key(key)
        except InvalidRequest as error:
            raise Trouble(f"--{error.message}") from None

    @property
    def client(self) -> Client:
        """Who carries calls out."""
        if self._client is None:
            timeout = self.wished.get("timeout", 40.0)
            self._client = _SayingClient(
                self.url,
                key=self.key,
                timeout=timeout,
                patience=self.patience,
                say=self.output.note,
            )
        return self._client

    def close(self) -> None:
        """Close what was opened."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def rely_on(self, call: Call[Any], patience: Patience) -> None:
        """Ask what must be answered soon; from then on, wait as long for the server as is said.

        @raise KatoError: there is no use in waiting.
        """
        self.ask(call)
        self.close()
        self.patience = patience

    def ask(self, call: Call[T]) -> T:
        """Ask the server.

        @raise KatoError: what it says against it, or that it gave no answer.
        """
        return self.client.carry_out(call)

    def tell(self, call: Call[T], show: Callable[[T, Output], object]) -> None:
        """Ask the server, and print the answer: as it came where JSON is wanted, else shown."""
        told, result = self.ask(with_answer(call))
        if self.as_json:
            self.print_json(told)
        else:
            show(result, self.output)

    def print_json(self, value: object) -> None:
        """Print a value as a line of JSON."""
        self.output.line(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def with_answer(call: Call[T]) -> Call[tuple[Answer, T]]:
    """The same call, which gives beside its result the answer as it came."""
    return Call(
        call.method,
        call.path,
        lambda told: (told, call.read(told)),
        call.body,
        call.changes,
        call.request_id,
    )


def _read_key(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"--key-file: cannot read {path}: {error}") from None
    if not lines[0].strip():
        raise Trouble(f"--key-file: there is no key in the first line of {path}")
    return lines[0].strip()
