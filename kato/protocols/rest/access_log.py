"""What the log tells of a request over HTTP."""

from typing import NamedTuple

from kato.ledger import told, who


class Answered(NamedTuple):
    """A request that was answered: an L{kato.ledger.Entry}, C{began} being the time of its first
    byte; C{client} is the address of who asked, where there is one."""

    method: bytes
    target: bytes
    status: int
    began: float
    ended: float
    request_id: bytes
    client: str | None
    outcome: str
    operation: str | None = None
    processor: str | None = None
    key: str | None = None
    quiet: bool = False
    defect: str | None = None
    refused: bool = False

    @property
    def transport(self) -> str:
        """Where it came in."""
        return "rest"

    def as_dict(self) -> dict[str, object]:
        """Its fields, as a line of JSON tells them; the query, which may hold what is nobody's
        business, is left out."""
        return {
            "transport": self.transport,
            "method": _printable(self.method),
            "path": _printable(self.target.partition(b"?")[0]),
            "status": self.status,
            **told(self.operation, self.processor, self.outcome, self.key, self.defect),
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
            f"{_printable(self.method)} {path} {self.status} {milliseconds:.3f} ms {name}"
            f"{who(self.client or '-', self.key)}"
        )


def _printable(raw: bytes) -> str:
    """What a client sent, without anything that a terminal or a reader of lines would act upon."""
    text = raw.decode("latin-1")
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")
