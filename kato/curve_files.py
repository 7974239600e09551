"""Files with keys of CURVE: read, and made where nobody else can read them (docs/zeromq.md)."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from kato.protocols.zmq.curve import BadKeys, KeyPair, parse_clients, parse_pair

Parsed = TypeVar("Parsed")

_MOST = 1024 * 1024
"""Bytes of such a file, at most."""


def read_pair(path: str | Path) -> KeyPair:
    """Read the pair of a cluster.

    @raise BadKeys: where there is none, or others than its owner can read it.
    """
    text, status = _read(path)
    if loose := _loose(status):
        raise BadKeys(f"{path}: {loose} can read this; chmod 600 keeps it secret")
    return _judged(path, text, parse_pair)


def read_clients(path: str | Path) -> dict[bytes, str]:
    """Read who else may connect: names by public keys.

    @raise BadKeys: where that cannot be read.
    """
    return _judged(path, _read(path)[0], parse_clients)


def write_new(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and that was not there.

    @raise OSError: where that cannot be done.
    """
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _read(path: str | Path) -> tuple[str, os.stat_result]:
    """What a file says, and how that very file is kept."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(_MOST), os.fstat(file.fileno())
    except (OSError, UnicodeError) as error:
        raise BadKeys(f"cannot read {path}: {error}") from None


def _judged(path: str | Path, text: str, parse: Callable[[str], Parsed]) -> Parsed:
    try:
        return parse(text)
    except BadKeys as error:
        raise BadKeys(f"{path}: {error}") from None


def _loose(status: os.stat_result) -> str:
    """Who else can read a file; nobody is an empty word.  One that belongs to somebody else, such
    as Kubernetes, may be read by our group, since we could not read it otherwise."""
    if status.st_mode & stat.S_IRWXO:
        return "everybody"
    if status.st_mode & stat.S_IRWXG and status.st_uid == os.geteuid():
        return "its group"
    return ""
