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
        given = (
            method.decode("ascii", "backslashreplace"),
            target.partition(b"?")[0].decode("ascii", "backslashreplace"),
            status,
            milliseconds,
            request_id.decode("ascii"),
        )
        # Formatting field by field costs as much as an observation: the line is made at once.
        self._info(
            "{line}",
            line="%s %s %d %.3f ms %s" % given,
            method=given[0],
            path=given[1],
            status=status,
            milliseconds=round(milliseconds, 3),
            request_id=given[4],
        )
