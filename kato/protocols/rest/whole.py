"""Requests that come whole in one piece, and are plain: nearly all that programs send.

twisted.web reads a head line by line, which takes longer than to observe an event.  Here a head is
taken apart at once, and one that was seen before is known.  Whatever is not plain is left to
twisted.web: what is malformed, chunked, continued, expects an answer before its body, ends the
connection, or comes in several pieces.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

MAX_HEAD = 2048
"""Bytes of a head beyond which it is not looked at here."""

REMEMBERED = 512
"""How many heads are known."""

_HEAD = re.compile(
    rb"(?P<line>[A-Z]{1,16} [!-~]+ HTTP/1\.1)\r\n"
    rb"(?P<headers>(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*)\r\n"
)
_OTHERS = frozenset({b"Transfer-Encoding", b"Expect", b"Upgrade"})
_KEPT = b"keep-alive"
_LENGTH = b"Content-Length"
_MAX_DIGITS = 7
_MAX_HEADERS = 50


class WholeHead(NamedTuple):
    """The head of a plain request: its first line, its headers with names C{Like-This}, and how
    many bytes its body has."""

    line: bytes
    headers: Mapping[bytes, list[bytes]]
    length: int


def read_whole(data: bytes) -> tuple[WholeHead, bytes] | None:
    """The head and the body of a plain request, where C{data} is just that."""
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD) + 4
    if end < 4:
        return None
    head = _read_head(data[:end])
    if head is None or len(data) - end != head.length:
        return None
    return head, data[end:]


@lru_cache(maxsize=REMEMBERED)
def _read_head(raw: bytes) -> WholeHead | None:
    found = _HEAD.fullmatch(raw)
    if found is None:
        return None
    lines = found["headers"].split(b"\r\n")[:-1]
    if len(lines) > _MAX_HEADERS:
        return None
    headers: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers.setdefault(_written(name), []).append(value.strip(b" \t"))
    length = _length(headers.get(_LENGTH, [b"0"]))
    kept = all(each.lower() == _KEPT for each in headers.get(b"Connection", ()))
    if length is None or not kept or not _OTHERS.isdisjoint(headers):
        return None
    return WholeHead(found["line"], headers, length)


def _written(name: bytes) -> bytes:
    """A header's name as it is looked up."""
    return b"-".join([part.capitalize() for part in name.split(b"-")])


def _length(values: list[bytes]) -> int | None:
    if len(values) != 1 or not values[0].isdigit() or len(values[0]) > _MAX_DIGITS:
        return None
    return int(values[0])
