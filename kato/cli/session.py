"""One run of the program: whom it asks, as whom, and how it answers."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from kato.cli.exits import Trouble
from kato.cli.output import Output
from kato.client import Client, Patience
from kato.client.calls import Call
from kato.client.results import Answer

T = TypeVar("T")

DEFAULT_URL = "http://localhost:8000"
_PATIENCE = Patience(again=3)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?|[0-9a-f.]*:[0-9a-f:.]*")


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
        if not _is_address(url):
            raise click.UsageError(f"--url: expected http://HOST:PORT or https://…, got {url!r}")
        return str(url)

    @property
    def key(self) -> str | None:
        """With which key it asks, if with any."""
        typed, file = self.wished.get("key"), self.wished.get("key_file")
        if typed and file:
            raise click.UsageError("--key and --key-file: one of them is enough")
        file = file or (None if typed else self.environment.get("KATO_API_KEY_FILE"))
        key = _read_key(Path(file)) if file else typed or self.environment.get("KATO_API_KEY")
        return _fit_key(key) if key else None

    @property
    def client(self) -> Client:
        """Who carries calls out."""
        if self._client is None:
            timeout = self.wished.get("timeout", 40.0)
            self._client = Client(self.url, key=self.key, timeout=timeout, patience=self.patience)
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


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and not (parts.query or parts.fragment)
    return known and _HOST.fullmatch(host) is not None and port != 0


def _read_key(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"--key-file: cannot read {path}: {error}") from None
    if not lines[0].strip():
        raise Trouble(f"--key-file: there is no key in the first line of {path}")
    return lines[0].strip()


def _fit_key(key: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise Trouble("the key has characters that no header may have")
    return key
