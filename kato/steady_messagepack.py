"""Long MessagePack, read in steps between which other threads run (SPEC 9).

As L{kato.steady_json}, only that nothing needs to be tried: each value tells how long it is, or how
many values lie in it, so pieces of about 16 KiB are found by going from one to the next.
"""

from collections.abc import Callable
from typing import Any

from kato.errors import InvalidRequest, KatoError, PayloadTooLarge
from kato.gathering import Gathering
from kato.letting_go import let_go
from kato.steady_json import MAX_DEPTH, SHORT, STEP, parts

Pairs = list[tuple[Any, Any]]

Read = Callable[[bytes, Callable[[Pairs], dict[Any, Any]] | None], Any]
"""Reads one value in one go, and has objects made of their members."""

_LEAST = 256

_SIZES: list[int] = [
    *[1] * 0x80,
    *[0] * 0x20,
    *range(1, 33),
    *(1, 0, 1, 1),
    *[0] * 6,
    *(5, 9, 2, 3, 5, 9, 2, 3, 5, 9),
    *(3, 4, 6, 10, 18),
    *[0] * 7,
    *[1] * 0x20,
]
"""How many bytes a value takes, by its first; 0 where more must be looked at."""

_LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4}
"""In how many bytes strings, binaries and extensions tell their length, by their first."""
_EXTENSIONS = frozenset({0xC7, 0xC8, 0xC9})
_STRINGS = frozenset({0xDA, 0xDB})
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


def unpack_steadily(
    body: bytes, read: Read, *, max_values: int | None = None, step: int = STEP
) -> object:
    """Read one value; what is short is read in one go.

    @param max_values: as for L{kato.steady_json.decode_steadily}; C{None}: as many as there are.
    @raise InvalidRequest: where C{body} is not MessagePack, also by what C{read} raises.
    @raise PayloadTooLarge: where it holds more values: then it is not read on.
    """
    most = len(body) if max_values is None else max_values
    if len(body) <= min(SHORT, 4 * step, most):
        return read(body, None)
    return _Reading(body, read, most, step).whole()


class _Reading:
    """The reading of one message."""

    def __init__(self, body: bytes, read: Read, max_values: int, step: int) -> None:
        self._body = body
        self._read = read
        self._max_values = max_values
        self._step = step
        self._place = 0
        self._depth = 0
        self._values = 0
        self._members: Pairs = []
        """The members of the map that was last made, as they stood there."""

    def whole(self) -> object:
        """Read it all."""
        value = self._value(self._step)
        if self._place < len(self._body):
            raise _broken("unpack(b) received extra data.")
        return value

    # One value

    def _value(self, ahead: int) -> Any:
        """Read the value that begins here, in one go where it ends not far ahead."""
        end, values = self._end(self._place, self._place + ahead)
        if end:
            self._count(values)
            start, self._place = self._place, end
            return self._read_piece(self._body[start:end])
        first = self._first(self._place)
        if first in _STRINGS:
            return self._string(first)
        if first in _LENGTHS or _SIZES[first]:
            self._count(1)
            start = self._place
            self._place = self._after(start)
            return self._read_piece(self._body[start : self._place])
        return self._long(*self._head(self._place, first), max(ahead // 2, _LEAST))

    def _string(self, first: int) -> str:
        self._count(1)
        start = self._place + 1 + _LENGTHS[first]
        self._place = self._after(self._place)
        pieces = parts(self._body, start, self._place, self._step)
        return "".join(self._body[a:b].decode(errors="surrogateescape") for a, b in pieces)

    def _long(self, start: int, entries: int, is_map: bool, ahead: int) -> Any:
        """Read a container bit by bit."""
        if self._depth == MAX_DEPTH:
            raise InvalidRequest("message: nested too deeply")
        self._count(1)
        self._depth += 1
        self._place = start
        value = self._map(entries, ahead) if is_map else self._list(entries, ahead)
        self._depth -= 1
        return value

    def _list(self, entries: int, ahead: int) -> list[Any]:
        values: list[Any] = []
        try:
            while len(values) < entries:
                piece, ahead = self._piece(entries - len(values), 1, ahead)
                values += [self._value(ahead)] if piece is None else piece
        except KatoError:
            let_go(values)
            raise
        return values

    def _map(self, entries: int, ahead: int) -> dict[Any, Any]:
        gathering = Gathering()
        try:
            while entries:
                piece, ahead = self._piece(entries, 2, ahead)
                pairs = [self._member(ahead)] if piece is None else self._members
                gathering.add(pairs, piece)
                entries -= len(pairs)
        except KatoError:
            let_go(gathering.members)
            raise
        return gathering.finished()

    def _member(self, ahead: int) -> tuple[Any, Any]:
        key = self._value(ahead)
        self._count(-1)
        try:
            hash(key)
        except TypeError:
            raise InvalidRequest("message: a list or a map is no key of a map") from None
        return key, self._value(ahead)

    def _piece(self, entries: int, each: int, ahead: int) -> tuple[Any, int]:
        """Read several entries, of so many values each, in one go; C{None}: the first is too long.
        Tells how far to look ahead the next time, too."""
        start = end = self._place
        found = values = 0
        while found < entries and end - start < ahead:
            following = end
            inner = 1 - each
            for _ in range(each):
                following, more = self._end(following, start + 2 * ahead)
                inner += more
                if not following:
                    break
            if not following:
                break
            end, found, values = following, found + 1, values + inner
        if not found:
            return None, max(ahead // 2, _LEAST)
        self._count(values)
        self._place = end
        head = (b"\xdd" if each == 1 else b"\xdf") + found.to_bytes(4)
        return self._read_piece(head + self._body[start:end]), min(2 * ahead, self._step)

    def _read_piece(self, piece: bytes) -> Any:
        return self._read(piece, self._keep)

    def _keep(self, pairs: Pairs) -> dict[Any, Any]:
        self._members = pairs
        gathering = Gathering()
        gathering.add(pairs, dict(pairs))
        return gathering.finished()

    # How long values are

    def _end(self, place: int, most: int) -> tuple[int, int]:
        """Where a value ends, and how many values it holds; 0 where it does not end soon."""
        body, waiting, values = self._body, 1, 1
        while waiting and place < most:
            waiting -= 1
            first = self._first(place)
            size = _SIZES[first]
            if size:
                place += size
            elif first in _LENGTHS:
                place = self._after(place)
            else:
                place, entries, is_map = self._head(place, first)
                waiting += 2 * entries if is_map else entries
                values += entries
        if waiting or place > most:
            return 0, 0
        if place > len(body):
            raise _broken("Unpack failed: incomplete input")
        return place, values

    def _first(self, place: int) -> int:
        if place >= len(self._body):
            raise _broken("Unpack failed: incomplete input")
        return self._body[place]

    def _after(self, place: int) -> int:
        """Where what is no container ends."""
        first = self._body[place]
        width = _LENGTHS.get(first, 0)
        end = place + _SIZES[first]
        if width:
            end = place + 1 + width + self._number(place, width) + (first in _EXTENSIONS)
        if end > len(self._body):
            raise _broken("Unpack failed: incomplete input")
        return end

    def _head(self, place: int, first: int) -> tuple[int, int, bool]:
        """Where the entries of a container begin, how many they are, and whether it is a map."""
        if first == 0xC1:
            raise InvalidRequest("message: not MessagePack")
        is_map = first in _MAPS or 0x80 <= first < 0x90
        width = _MAPS.get(first, 0) or _LISTS.get(first, 0)
        entries = self._number(place, width) if width else first & 0x0F
        most = len(self._body) // (1 + is_map)
        if entries > most:
            kind = "map" if is_map else "array"
            raise _broken(f"{entries} exceeds max_{kind}_len({most})")
        return place + 1 + width, entries, is_map

    def _number(self, place: int, width: int) -> int:
        written = self._body[place + 1 : place + 1 + width]
        if len(written) < width:
            raise _broken("Unpack failed: incomplete input")
        return int.from_bytes(written)

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > self._max_values:
            raise PayloadTooLarge(
                f"message: {self._values:,} values or more are over the limit of "
                f"{self._max_values:,}"
            )


def _broken(why: str) -> InvalidRequest:
    return InvalidRequest(f"message: not MessagePack, {why}")
