"""What clients count, to be held against what the server counted."""

import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from threading import Lock
from typing import NamedTuple

from kato.commands import OPERATIONS

OKAY = "okay"

_SAMPLE = re.compile(r"^kato_requests_total\{([^}]*)\} ([0-9.e+]+)$", re.M)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


_COUNTED = OPERATIONS.keys() | {"subscribe"}


class Kind(NamedTuple):
    """Requests of one kind."""

    operation: str
    transport: str
    outcome: str


class Tally:
    """Counts answers, and requests of which nobody knows whether they were answered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.answered: Counter[Kind] = Counter()
        self.lost: Counter[tuple[str, str]] = Counter()

    def answer(self, kind: Kind) -> None:
        """A request was answered."""
        with self._lock:
            self.answered[kind] += 1

    def lose(self, operation: str, transport: str) -> None:
        """The connection was lost before the answer came."""
        with self._lock:
            self.lost[operation, transport] += 1

    def compared(self, status: int, page: str) -> Iterator[str]:
        """What differs from what the server counted; that nobody can tell differs, too.

        @param status: with which the page came.
        @param page: of its metrics, before which all that was asked has been answered.
        """
        if status != HTTPStatus.OK:
            yield f"/metrics was answered {status}: {page[:200]}"
            return
        counted = told(page)
        for kind in sorted(set(counted) | set(self.answered)):
            least = self.answered[kind]
            most = least + self.lost[kind.operation, kind.transport]
            if not least <= counted[kind] <= most:
                yield f"{kind}: the server counted {counted[kind]}, clients {least} to {most}"
        for (operation, transport), lost in self.lost.items():
            more = sum(
                counted[kind] - self.answered[kind]
                for kind in counted
                if (kind.operation, kind.transport) == (operation, transport)
            )
            if more > lost:
                yield f"{operation} over {transport}: {more} more than answered, {lost} were lost"


def told(page: str) -> Counter[Kind]:
    """What the page of metrics tells of requests that clients of the soak make."""
    counted: Counter[Kind] = Counter()
    for labels, value in _SAMPLE.findall(page):
        given = dict(_LABEL.findall(labels))
        if given["operation"] in _COUNTED:
            counted[Kind(given["operation"], given["transport"], given["outcome"])] += int(
                float(value)
            )
    return counted
