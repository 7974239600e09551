"""Keys of CurveZMQ: a pair, and the files in which people keep them (docs/zeromq.md, "Between
machines").

A key is written as ZeroMQ writes it, in 40 characters (Z85, RFC 32).  The file of a pair is a
certificate as pyzmq and czmq read it, too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_DIGITS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_GROUP, _BYTES = 5, 4

SIZE = 32
"""Bytes of a key."""

_NOTHING: Mapping[str, bytes] = {}

_LINE = re.compile(r"\s*(?P<name>[a-z-]+)\s*=\s*[\"']?(?P<value>[^\s\"']*)[\"']?\s*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class BadKeys(Exception):
    """What a file says is of no use; the message says why, and repeats no key."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Two keys that belong together, each in its 40 characters."""

    public: bytes
    secret: bytes = field(repr=False)


def read_key(written: bytes) -> bytes:
    """The 32 bytes of a key.

    @raise BadKeys: where it is none.
    """
    if len(written) != SIZE // _BYTES * _GROUP:
        raise BadKeys(f"expected a key of 40 characters, got {len(written)}")
    try:
        groups = [written[i : i + _GROUP] for i in range(0, len(written), _GROUP)]
        return b"".join(_number(group).to_bytes(_BYTES) for group in groups)
    except (KeyError, OverflowError):
        raise BadKeys("expected a key, got 40 characters that are none") from None


def _number(group: bytes) -> int:
    number = 0
    for digit in group:
        number = number * len(_DIGITS) + _VALUES[digit]
    return number


def written_key(key: bytes) -> str:
    """The 40 characters of a key of 32 bytes."""
    numbers = [int.from_bytes(key[i : i + _BYTES]) for i in range(0, len(key), _BYTES)]
    return b"".join(_digits(number) for number in numbers).decode()


def _digits(number: int) -> bytes:
    found = bytearray()
    for _ in range(_GROUP):
        number, value = divmod(number, len(_DIGITS))
        found.append(_DIGITS[value])
    return bytes(reversed(found))


def parse_pair(text: str) -> KeyPair:
    """Read the file of a pair.

    @raise BadKeys: where one of the two is missing, or is none.
    """
    found = filter(None, map(_LINE.fullmatch, text.splitlines()))
    told = {each["name"]: each["value"] for each in found}
    keys = []
    for name in ("public-key", "secret-key"):
        if name not in told:
            raise BadKeys(f"there is no {name} in it")
        keys.append(told[name].encode())
        _read(keys[-1], name)
    return KeyPair(*keys)


def written_pair(pair: KeyPair, about: str, more: Mapping[str, bytes] = _NOTHING) -> str:
    """The file of a pair.

    @param about: what it is for, in lines.
    @param more: keys beside those of the pair, by their names.
    """
    keys = {"public-key": pair.public, "secret-key": pair.secret, **more}
    return "".join(
        (
            *(f"# {line}\n" for line in about.splitlines()),
            "curve\n",
            *(f'    {name} = "{key.decode()}"\n' for name, key in keys.items()),
        )
    )


def parse_clients(text: str) -> dict[bytes, str]:
    """Read who else may connect: a name and a public key on each line, and comments on lines that
    begin with C{#}.

    @return: names by the 32 bytes of their keys.
    @raise BadKeys: for the first line that says anything else, or something again.
    """
    clients: dict[bytes, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not _NAME.fullmatch(words[0]):
            raise BadKeys(f"line {number}: expected a name and a public key")
        key = _read(words[1].encode(), f"line {number}")
        if key in clients or words[0] in clients.values():
            raise BadKeys(f"line {number}: this name or this key stands above, too")
        clients[key] = words[0]
    return clients


def parse_name(name: str) -> str:
    """Take the name of a client: 1 to 64 of A-Z a-z 0-9 _ . -, the first a letter or digit.

    @raise BadKeys: where it is none.
    """
    if not _NAME.fullmatch(name):
        raise BadKeys(
            f"{name!r} is no name: 1 to 64 of A-Z a-z 0-9 _ . -, beginning with a letter or digit"
        )
    return name


def _read(written: bytes, where: str) -> bytes:
    try:
        return read_key(written)
    except BadKeys as error:
        raise BadKeys(f"{where}: {error}") from None
