"""One line in the log for every request."""

from typing import NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

GATHERED = 0.1
"""Seconds for which lines are gathered and then written at once: to write each by itself costs more
than to answer its request."""


class Answered(NamedTuple):
    """A request that was answered; times in Unix seconds, C{began} being that of its first byte;
    C{client} is the address of who asked, where there is one."""

    method: bytes
    target: bytes
    status: int
    began: float
    ended: float
    request_id: bytes
    client: str | None

    def as_dict(self) -> dict[str, object]:
        """Its fields, as a line of JSON tells them; the query, which may hold what is nobody's
        business, is left out."""
        return {
            "method": _printable(self.method),
            "path": _printable(self.target.partition(b"?")[0]),
            "status": self.status,
            "milliseconds": round((self.ended - self.began) * 1000, 3),
            "request_id": self.request_id.decode("ascii"),
            "client": self.client,
        }

    def __str__(self) -> str:
        """A line for people."""
        path = _printable(self.target.partition(b"?")[0])
        milliseconds = (self.ended - self.began) * 1000
        name = self.request_id.decode("ascii")
        return (
            f"{_printable(self.method)} {path} {self.status} {milliseconds:.3f} ms {name} "
            f"{self.client or '-'}"
        )


class AccessLog:
    """Tells what was asked, how it was answered and how long that took."""

    log = Logger()

    def __init__(self, *, clock: IReactorTime) -> None:
        self._clock = clock
        self._gathered: list[Answered] = []
        self._writing: IDelayedCall | None = None

    def tell(
        self,
        *,
        method: bytes,
        target: bytes,
        status: int,
        began: float | None,
        request_id: bytes,
        client: str | None,
    ) -> None:
        """Log a request, soon.

        @param began: when its first byte came, in the clock's seconds.
        @param client: the address of who asked.
        """
        now = self._clock.seconds()
        began = now if began is None else began
        self._gathered.append(Answered(method, target, status, began, now, request_id, client))
        if self._writing is None:
            self._writing = self._clock.callLater(GATHERED, self.write)

    def write(self) -> None:
        """Write what was gathered, now."""
        if self._writing is not None and self._writing.active():
            self._writing.cancel()
        self._writing = None
        gathered, self._gathered = self._gathered, []
        if gathered:
            self.log.info("{number} requests", number=len(gathered), lines=gathered)


def _printable(raw: bytes) -> str:
    """What a client sent, without anything that a terminal or a reader of lines would act upon."""
    text = raw.decode("latin-1")
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")
