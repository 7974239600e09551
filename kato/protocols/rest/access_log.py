"""One line in the log for every request."""

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger


class AccessLog:
    """Tells what was asked, how it was answered and how long that took."""

    log = Logger()

    def __init__(self, *, clock: IReactorTime) -> None:
        self._clock = clock
        self._info = self.log.info  # every look at a class's log makes a logger anew

    def tell(
        self, *, method: bytes, target: bytes, status: int, began: float | None, request_id: bytes
    ) -> None:
        """Log a request; its query, which may hold what is nobody's business, is left out.

        @param began: when its first byte came, in the clock's seconds.
        """
        milliseconds = 0.0 if began is None else (self._clock.seconds() - began) * 1000
        verb, path = _printable(method), _printable(target.partition(b"?")[0])
        name = request_id.decode("ascii")
        # Formatting field by field costs as much as an observation: the line is made at once.
        self._info(
            "{line}",
            line=f"{verb} {path} {status} {milliseconds:.3f} ms {name}",
            method=verb,
            path=path,
            status=status,
            milliseconds=round(milliseconds, 3),
            request_id=name,
        )


def _printable(raw: bytes) -> str:
    """What a client sent, without anything that a terminal or a reader of lines would act upon."""
    text = raw.decode("latin-1")
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")
