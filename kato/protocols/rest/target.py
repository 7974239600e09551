"""The target of a request: its path in words, its query in pairs, decoded strictly (SPEC 9).

What is no proper percent-encoding, no UTF-8 or holds a NUL is refused, so that no two readers of a
target can take it differently.  A slash that is encoded belongs to its word.
"""

from dataclasses import dataclass
from functools import lru_cache
from string import hexdigits
from urllib.parse import unquote_to_bytes

from kato.errors import InvalidRequest
from kato.fields import shown

REMEMBERED = 256
"""How many of the latest targets are remembered as they were read: clients repeat them."""

_HEX = frozenset(hexdigits.encode())
_SCHEMES = (b"http://", b"https://")


@dataclass(frozen=True, slots=True)
class Target:
    """C{host} is what an absolute target names, C{query} the pairs as they were written."""

    segments: tuple[str, ...]
    query: bytes = b""
    host: bytes | None = None


@lru_cache(maxsize=REMEMBERED)
def parse_target(raw: bytes) -> Target:
    """Read the target of a request line: C{/path?query}, or absolute with scheme and host.

    @raise InvalidRequest: which says what of the path is not as it must be.
    """
    host, rest = _origin_form(raw)
    if b"#" in rest:
        raise InvalidRequest("path: a fragment (#) has no place in a request")
    path, _, query = rest.partition(b"?")
    if path.isascii() and b"%" not in path and b"\0" not in path:
        return Target(tuple(path[1:].decode("ascii").split("/")), query, host)
    words = (decoded(each, "path") for each in path[1:].split(b"/"))
    return Target(tuple(words), query, host)


def _origin_form(raw: bytes) -> tuple[bytes | None, bytes]:
    if raw.startswith(b"/"):
        return None, raw
    lowered = raw[:8].lower()
    scheme = next((each for each in _SCHEMES if lowered.startswith(each)), None)
    if scheme is None:
        raise InvalidRequest(f"path: expected one that begins with a slash, got {_shown(raw)}")
    rest = raw[len(scheme) :]
    end = min((at for at in map(rest.find, (b"/", b"?")) if at >= 0), default=len(rest))
    path = rest[end:]
    return rest[:end], path if path.startswith(b"/") else b"/" + path


def decoded(raw: bytes, what: str) -> str:
    """Decode a word of a path or a query.

    @param what: what an error is to name.
    @raise InvalidRequest: where the word is not percent-encoded UTF-8, or holds a NUL.
    """
    for part in raw.split(b"%")[1:]:
        if len(part) < 2 or not _HEX.issuperset(part[:2]):
            raise InvalidRequest(
                f"{what}: bad percent-encoding %{_escaped(part[:2])} in {_shown(raw)}"
            )
    value = unquote_to_bytes(raw)
    if b"\0" in value:
        raise InvalidRequest(f"{what}: a NUL (%00) in {_shown(raw)}")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{what}: not UTF-8 at byte {error.start} of {_shown(raw)}") from None


@lru_cache(maxsize=REMEMBERED)
def parse_query(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Read C{name=value&name=value}; a plus is a space.

    @raise InvalidRequest: where a name or value is not percent-encoded UTF-8.
    """
    pairs = (each.replace(b"+", b" ").partition(b"=") for each in raw.split(b"&") if each)
    return tuple((decoded(name, "query"), decoded(value, "query")) for name, _, value in pairs)


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "backslashreplace")


def _escaped(raw: bytes) -> str:
    """As it is written, on one line."""
    return ascii(_text(raw))[1:-1]


def _shown(raw: bytes) -> str:
    return shown(_text(raw))
