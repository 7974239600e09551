"""Long JSON, read in steps between which other threads run (SPEC 9).

The standard library reads a text in one go, and holds the interpreter until it is through: 128 ms
for 16 MiB, in which nobody else is answered, whichever thread it is that reads.  Here long lists,
objects and strings are gone through bit by bit.  What lies in them is given to the same scanner,
some 16 KiB at a time: the text up to a comma ahead, in brackets.  Such a piece is good JSON only
where it is just the entries that stand there.  Where the comma was one of a string, or of something
deeper, one entry is taken by itself.
"""

import json
import sys
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

from kato.codec import decode_json, integer_of, object_of
from kato.errors import InvalidRequest, KatoError, PayloadTooLarge
from kato.gathering import Gathering
from kato.letting_go import let_go
from kato.limits import MAX_VALUES

SHORT = 64 * 1024
"""A text of no more bytes is read in one go, in a millisecond at most."""

STEP = 16 * 1024
"""About how many bytes are read at a time."""

MAX_DEPTH = 128
"""How deep containers may lie in each other that are too long for one step: twice as deep as what
is taken by anybody who judges what was read."""

_LEAST = 256
_WORD = 64
"""Bytes within which a number ends that is not absurdly long."""
_LONGEST_WORD = STEP
_ESCAPE = 6
"""Characters of the longest escape in a string."""
_SEAM = 64

_SEES_TRAILING_COMMAS = sys.version_info >= (3, 13)
"""Whether the standard library has words of its own for them, which are to be ours, too."""

_BLANKS = b" \t\r\n"
_HIGH, _LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)


def decode_steadily(body: bytes, *, max_values: int = MAX_VALUES, step: int = STEP) -> object:
    """Read one JSON value, as L{decode_json} does, which reads what is short here, too.

    Values are all there is beside the keys of objects, containers among them.

    @param step: about how many bytes are read at a time.
    @raise InvalidRequest: where C{body} is not JSON in UTF-8.
    @raise PayloadTooLarge: where it holds more than C{max_values}: then it is not read on.
    """
    if len(body) <= min(SHORT, 4 * step, 2 * max_values):  # a value takes two bytes at least
        return decode_json(body)
    for start, end in parts(body, 0, len(body), step):
        try:
            body[start:end].decode()
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"body: not UTF-8 at byte {start + error.start}") from None
    return _Reading(body, max_values, step).whole()


def parts(body: bytes, start: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    """Where parts of a text begin and end: none ends within a character of valid UTF-8."""
    while start < end:
        following = min(_at_character(body, start + max(step, 4)), end)
        yield start, following
        start = following


def _at_character(body: bytes, place: int) -> int:
    """This place, or one shortly before it, at which no character goes on."""
    near = range(place, place - 4, -1)
    return next((at for at in near if at >= len(body) or body[at] & 0xC0 != 0x80), place)


def _has_few(body: bytes, most: int, step: int) -> bool:
    """Whether there are no more values than this, whatever the commas and brackets stand for."""
    values = 1
    for start, end in parts(body, 0, len(body), 4 * step):
        values += sum(body.count(each, start, end) for each in (b",", b"[", b"{"))
    return values <= most


class _Cutting:
    """Where the text is cut in one container: where it last went on from an entry to the next one
    in the same way.  How far ahead is learned from what became of the pieces before."""

    __slots__ = ("_comma", "_most", "_seam", "ahead")

    def __init__(self, most: int, ahead: int) -> None:
        self._most = most
        self.ahead = ahead
        self._seam, self._comma = b",", 0

    def cut(self, body: bytes, start: int) -> int:
        """The comma behind the last entry of a piece; not behind C{start}: there is none."""
        return body.rfind(self._seam, start, start + self.ahead) + self._comma

    def worked(self) -> None:
        """A piece, or an entry, was read in one go."""
        self.ahead = min(2 * self.ahead, self._most)

    def failed(self) -> None:
        """It was not."""
        self.ahead = max(self.ahead // 2, min(_LEAST, self._most))

    def learn(self, body: bytes, end: int, following: int) -> None:
        """An entry ended here, and the next one begins there."""
        if following - end > _SEAM:
            return
        closers = len(list(takewhile(b'"]}'.__contains__, reversed(body[end - 8 : end]))))
        openers = len(list(takewhile(b'"[{'.__contains__, body[following : following + 8])))
        self._seam = body[end - closers : following + openers]
        self._comma = self._seam.index(b",", closers)


class _Seen:
    """The members of the object that was last made, as they stood there.

    It does not know who reads: a text that was read is freed at once, and not when some collector
    of cycles comes by.
    """

    def __init__(self) -> None:
        self.members: list[tuple[str, Any]] = []

    def object_of(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make an object."""
        self.members = members
        return object_of(members)


class _Reading:
    """The reading of one text that is valid UTF-8."""

    def __init__(self, body: bytes, max_values: int, step: int) -> None:
        self._body = body
        self._step = step
        self._place = 0
        self._depth = 0
        self._values = 0
        self._max_values = max_values
        self._counts = not _has_few(body, max_values, step)
        self._seen = _Seen()
        decoder = json.JSONDecoder(object_pairs_hook=self._seen.object_of, parse_int=integer_of)
        self._scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once  # type: ignore[attr-defined]

    def whole(self) -> object:
        """Read it all."""
        self._skip_blanks()
        value = self._value(_Cutting(self._step, self._step))
        self._skip_blanks()
        if self._place < len(self._body):
            raise self._broken("Extra data")
        return value

    # One value

    def _value(self, cutting: _Cutting) -> Any:
        """Read the value that begins here."""
        first = self._body[self._place : self._place + 1]
        if first in (b"[", b"{") and first:
            found, value = self._short(cutting)
            return value if found else self._long(first, cutting.ahead)
        self._count(1)
        return self._string() if first == b'"' else self._word()

    def _short(self, cutting: _Cutting) -> tuple[bool, Any]:
        """Read a container that ends not far ahead; tells whether it does."""
        text = self._body[self._place : self._place + cutting.ahead].decode(errors="ignore")
        try:
            value, end = self._scan(text, 0)
        except (StopIteration, ValueError, RecursionError):
            cutting.failed()
            return False, None
        self._count_all(value)
        self._place += _size(text, end)
        cutting.worked()
        return True, value

    def _long(self, first: bytes, ahead: int) -> Any:
        """Read a container bit by bit."""
        if self._depth == MAX_DEPTH:
            raise InvalidRequest("body: nested too deeply")
        self._count(1)
        self._depth += 1
        self._place += 1
        value = self._list(ahead) if first == b"[" else self._object(ahead)
        self._place += 1
        self._depth -= 1
        return value

    def _word(self) -> Any:
        """Read a number, or what has a name."""
        for size in (_WORD, _LONGEST_WORD):
            text = self._body[self._place : self._place + size].decode("latin-1")
            try:
                value, end = self._scan(text, 0)
            except StopIteration:
                raise self._broken("Expecting value") from None
            if end + 3 < size or len(text) < size:  # else what is cut off may be an exponent
                self._place += end
                return value
        raise self._broken(f"a number of more than {_LONGEST_WORD - 3:,} characters")

    # Containers

    def _list(self, ahead: int) -> list[Any]:
        """Read entries up to the end of a list; what is not wanted after all is let go of."""
        values: list[Any] = []
        cutting = _Cutting(self._step, ahead)
        try:
            ended = self._begins_and_ends(b"]")
            while not ended:
                piece = self._piece(cutting, b"[", b"]")
                values += [self._value(cutting)] if piece is None else piece
                ended = self._ends(b"]", cutting)
        except KatoError:
            let_go(values)
            raise
        return values

    def _object(self, ahead: int) -> dict[str, Any]:
        """Read members up to the end of an object; as L{_list}."""
        gathering = Gathering()
        cutting = _Cutting(self._step, ahead)
        try:
            ended = self._begins_and_ends(b"}")
            while not ended:
                piece = self._piece(cutting, b"{", b"}")
                gathering.add(
                    [self._member(cutting)] if piece is None else self._seen.members, piece
                )
                ended = self._ends(b"}", cutting)
        except KatoError:
            let_go(gathering.members)
            raise
        return gathering.finished()

    def _begins_and_ends(self, closing: bytes) -> bool:
        """Whether there is nothing in a container that begins here."""
        self._skip_blanks()
        return self._stands(closing)

    def _member(self, cutting: _Cutting) -> tuple[str, Any]:
        if not self._stands(b'"'):
            raise self._broken("Expecting property name enclosed in double quotes")
        key = self._string()
        self._skip_blanks()
        if not self._stands(b":"):
            raise self._broken("Expecting ':' delimiter")
        self._place += 1
        self._skip_blanks()
        return key, self._value(cutting)

    def _piece(self, cutting: _Cutting, opening: bytes, closing: bytes) -> Any:
        """Read several entries, of which the last ends before a comma, as a container of their own;
        C{None}: that is not possible here."""
        cut = cutting.cut(self._body, self._place)
        if cut <= self._place:
            return None
        text = (opening + self._body[self._place : cut] + closing).decode()
        try:
            value, end = self._scan(text, 0)
        except (StopIteration, ValueError, RecursionError):
            end = 0
        if end < len(text):
            cutting.failed()
            return None
        self._count_all(value)
        self._count(-1)
        self._place = cut
        cutting.worked()
        return value

    def _ends(self, closing: bytes, cutting: _Cutting) -> bool:
        """Whether the container ends behind the entry that was read; if not, go on to the next
        one."""
        end = self._place
        self._skip_blanks()
        if self._stands(closing):
            return True
        if not self._stands(b","):
            raise self._broken("Expecting ',' delimiter")
        comma = self._place
        self._place += 1
        self._skip_blanks()
        if _SEES_TRAILING_COMMAS and self._stands(closing):
            kind = "array" if closing == b"]" else "object"
            raise self._broken(f"Illegal trailing comma before end of {kind}", comma)
        cutting.learn(self._body, end, self._place)
        return False

    # Strings

    def _string(self) -> str:
        """Read a string that begins here, a long one in parts."""
        begin = self._place
        self._place += 1
        parts = [self._part(begin)]
        while not self._stands(b'"'):
            part = self._part(begin)
            if part and parts[-1] and ord(part[0]) in _LOW and ord(parts[-1][-1]) in _HIGH:
                part, parts[-1] = _pair(parts[-1][-1], part[0]) + part[1:], parts[-1][:-1]
            parts.append(part)
        self._place += 1
        return "".join(parts)

    def _part(self, begin: int) -> str:
        """Read on in a string, up to its end if that is near.  A part may end within an escape,
        and is a good one without a few of its last characters then."""
        end = _at_character(self._body, self._place + max(self._step, 4 * _ESCAPE))
        text = self._body[self._place : end].decode()
        why: tuple[str, int] | None = None
        for attempt in _closed(text) if end < len(self._body) else (f'"{text}',):
            try:
                part, following = self._scan(attempt, 0)
            except json.JSONDecodeError as error:
                why = why or (error.msg, error.pos)  # the error itself holds this frame
            else:
                self._place += _size(text, following - 2)
                return str(part)
        assert why is not None, "what was not read is at fault"
        message, place = why
        raise self._broken(message, self._place + _size(text, place - 1) if place else begin)

    # Steps

    def _stands(self, character: bytes) -> bool:
        return self._body.startswith(character, self._place)

    def _skip_blanks(self) -> None:
        body = self._body
        while self._place < len(body) and body[self._place] in _BLANKS:
            ahead = body[self._place : self._place + self._step]
            self._place += len(ahead) - len(ahead.lstrip(_BLANKS))

    def _count_all(self, value: object) -> None:
        """Count a value and all in it, where there may be too many."""
        if self._counts:
            self._count(_values_in(value))

    def _count(self, values: int) -> None:
        self._values += values
        if self._counts and self._values > self._max_values:
            raise PayloadTooLarge(
                f"body: {self._values:,} values or more are over the limit of {self._max_values:,}"
            )

    def _broken(self, why: str, place: int | None = None) -> InvalidRequest:
        """What is wrong, and where: here, if nothing else is said."""
        body, place = self._body, self._place if place is None else place
        line = body.count(b"\n", 0, place) + 1
        steps = parts(body, body.rfind(b"\n", 0, place) + 1, place, self._step)
        column = sum(len(body[start:end].decode()) for start, end in steps) + 1
        return InvalidRequest(f"body: not JSON, {why} at line {line} column {column}")


def _closed(text: str) -> Iterator[str]:
    """A string of this text, and of a little less of it: one of them ends between two escapes."""
    return (f'"{text[:cut]}"' for cut in range(len(text), len(text) - _ESCAPE - 1, -1))


def _size(text: str, characters: int) -> int:
    """How many bytes so many characters take at its beginning."""
    return characters if text.isascii() else len(text[:characters].encode())


def _pair(high: str, low: str) -> str:
    """The character that two escapes are together."""
    return (high + low).encode("utf-16", "surrogatepass").decode("utf-16")


def _values_in(value: object) -> int:
    """How many values there are, with those in it."""
    count, deeper = 1, [value]
    while deeper:
        each = deeper.pop()
        if isinstance(each, dict | list):
            count += len(each)
            inner = each.values() if isinstance(each, dict) else each
            deeper += [part for part in inner if isinstance(part, _CONTAINERS)]
    return count


_CONTAINERS = (dict, list)
