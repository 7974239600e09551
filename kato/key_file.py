"""The file of C{--api-keys}: keys with what each may do, as TOML, judged whole (SPEC 10).

[keys.dashboards]
hash = "sha256:…"
scopes = ["read"]
processors = ["p1", "weather-*"]
expires = 2027-01-01T00:00:00Z
rate = 100
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kato.commands import MAX_ID, Scope
from kato.errors import InvalidRequest
from kato.fields import array, mapping, number, shown, text
from kato.keys import API_KEY
from kato.policy import EVERY, Key

LEAST_RATE = 0.001
MOST_RATE = 1_000_000.0
"""How many requests a second a key may be allowed."""

_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PATTERN = re.compile(rf"[A-Za-z0-9_*-]{{1,{MAX_ID}}}")
_TOP = frozenset({"keys"})
_FIELDS = frozenset({"hash", "scopes", "processors", "expires", "rate"})
_ALWAYS = ("hash", "scopes", "processors")
_SCOPES = {each.value: each for each in Scope}


class BadKeyFile(Exception):
    """One line that says what of a file of keys cannot be, with the key and the field."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as a file has it."""

    digest: bytes
    key: Key


def parse_keys(written: str) -> tuple[StoredKey, ...]:
    """Judge the text of a file of keys.

    @raise BadKeyFile: for the first thing that is wrong with it.
    """
    try:
        read = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise BadKeyFile(f"no TOML: {error}") from None
    try:
        given = mapping(mapping(read, "the file", _TOP).get("keys", {}), "keys")
        found = tuple(_stored(name, value) for name, value in given.items())
    except InvalidRequest as error:
        raise BadKeyFile(error.message) from None
    names: dict[bytes, str] = {}
    for each in found:
        other = names.setdefault(each.digest, each.key.name)
        if other != each.key.name:
            raise BadKeyFile(f"keys.{each.key.name}.hash: it is that of {other}, too")
    return found


def by_digest(stored: tuple[StoredKey, ...]) -> dict[bytes, Key]:
    """What keys may do, by their digests."""
    return {each.digest: each.key for each in stored}


def parse_name(name: str) -> str:
    """Take the name of a key: 1 to 64 of A-Z a-z 0-9 _ -, the first a letter or digit.

    @raise InvalidRequest: where it is none, or that of the key of C{--api-key}.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"keys: {shown(name)} is no name: 1 to 64 of A-Z a-z 0-9 _ -, "
            "beginning with a letter or digit"
        )
    if name == API_KEY.name:
        raise InvalidRequest(f"keys.{name}: this is the name of the key of --api-key")
    return name


def _stored(name: str, value: object) -> StoredKey:
    path = f"keys.{parse_name(name)}"
    given = mapping(value, path, _FIELDS)
    for each in _ALWAYS:
        if each not in given:
            raise InvalidRequest(f"{path}.{each}: missing")
    taken = {each: _TAKEN[each](given[each], f"{path}.{each}") for each in given}
    return StoredKey(taken.pop("hash"), Key(name, **taken))


def _hash(value: object, path: str) -> bytes:
    found = _HASH.fullmatch(text(value, path))
    if found is None:
        raise InvalidRequest(f"{path}: expected sha256: and 64 hexadecimal digits in lower case")
    return bytes.fromhex(found[1])


def parse_scopes(value: object, path: str) -> frozenset[Scope]:
    """Take a list of scopes, one at least.

    @raise InvalidRequest: where it is none.
    """
    words = [text(each, f"{path}[{i}]") for i, each in enumerate(array(value, path))]
    for word in words:
        if word not in _SCOPES:
            raise InvalidRequest(f"{path}: {shown(word)} is none, expected {', '.join(_SCOPES)}")
    if not words:
        raise InvalidRequest(f"{path}: expected one at least of {', '.join(_SCOPES)}")
    return frozenset(_SCOPES[word] for word in words)


def parse_patterns(value: object, path: str) -> tuple[str, ...]:
    """Take a list of processors' ids and patterns, one at least.

    @raise InvalidRequest: where it is none.
    """
    words = [text(each, f"{path}[{i}]") for i, each in enumerate(array(value, path))]
    for word in words:
        if not _PATTERN.fullmatch(word):
            raise InvalidRequest(
                f"{path}: {shown(word)} fits no processor: 1 to {MAX_ID} of A-Z a-z 0-9 _ -, "
                "and * for any part"
            )
    if not words:
        raise InvalidRequest(f"{path}: expected one at least, or {EVERY} for all")
    return tuple(words)


def parse_expiry(value: object, path: str) -> float:
    """Take a moment, with its offset from UTC; gives Unix seconds.

    @raise InvalidRequest: where it is none.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidRequest(f"{path}: expected a time like 2027-01-01T00:00:00Z")
    return value.timestamp()


def parse_rate(value: object, path: str) -> float:
    """Take a number of requests a second.

    @raise InvalidRequest: where it is none that makes sense.
    """
    rate = number(value, path)
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise InvalidRequest(
            f"{path}: expected requests a second, {LEAST_RATE:g} to {MOST_RATE:,.0f}, "
            f"got {shown(value)}"
        )
    return rate


_TAKEN: Mapping[str, Callable[[object, str], Any]] = {
    "hash": _hash,
    "scopes": parse_scopes,
    "processors": parse_patterns,
    "expires": parse_expiry,
    "rate": parse_rate,
}


def write_key(stored: StoredKey) -> str:
    """A key as a part of a file, from which L{parse_keys} reads the same."""
    key = stored.key
    lines = [
        f"[keys.{key.name}]",
        f'hash = "sha256:{stored.digest.hex()}"',
        f"scopes = {_listed([each.value for each in Scope if each in key.scopes])}",
        f"processors = {_listed(key.processors)}",
    ]
    if key.expires is not None:
        lines.append(f"expires = {_moment(key.expires)}")
    if key.rate is not None:
        lines.append(f"rate = {int(key.rate) if key.rate.is_integer() else key.rate!r}")
    return "\n".join([*lines, ""])


def _listed(words: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{each}"' for each in words) + "]"


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds") + "Z"
