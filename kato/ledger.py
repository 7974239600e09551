"""Every request that was answered, on whatever transport: one line in the log, and counted once.

Who answers tells it here, when the answer is given.  Both are done for many requests at a time: to
write each by itself costs more than to answer it.
"""

from typing import NamedTuple, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kato.counting import OKAY, RequestCounts
from kato.errors import InternalError, KatoError

GATHERED = 0.1
"""Seconds for which requests are gathered."""


class Entry(Protocol):
    """A request that was answered; times in Unix seconds.

    C{operation} is what it asked for, C{None} where it was refused before that was known;
    C{outcome} is C{okay} or an error code; C{quiet} says that nobody wants to read of it each time,
    C{refused} that nothing was done for it.  As a string it is a line for people.
    """

    @property
    def operation(self) -> str | None:
        """What it asked for."""

    @property
    def transport(self) -> str:
        """Where it came in."""

    @property
    def outcome(self) -> str:
        """What became of it."""

    @property
    def began(self) -> float:
        """When it came."""

    @property
    def ended(self) -> float:
        """When it was answered."""

    @property
    def quiet(self) -> bool:
        """Whether it is told to who debugs alone."""

    @property
    def refused(self) -> bool:
        """Whether it was refused before anything was done for it: then it is counted as such, and
        not by what it asked for."""

    def as_dict(self) -> dict[str, object]:
        """Its fields, as a line of JSON tells them."""


class Answered(NamedTuple):
    """A request that came as a message; see L{Entry}.

    C{defect} is what the client was told of a defect of ours, by which it is found in the log;
    C{client} the address of who asked, where it is known.
    """

    operation: str | None
    transport: str
    outcome: str
    processor: str | None
    request_id: str
    key: str | None
    began: float
    ended: float
    quiet: bool = False
    defect: str | None = None
    client: str | None = None
    refused: bool = False

    def as_dict(self) -> dict[str, object]:
        """Its fields, as a line of JSON tells them."""
        fields = {
            "transport": self.transport,
            **told(self.operation, self.processor, self.outcome, self.key, self.defect),
            "milliseconds": round((self.ended - self.began) * 1000, 3),
            "request_id": self.request_id,
        }
        if self.client is not None:
            fields["client"] = self.client
        return fields

    def __str__(self) -> str:
        """A line for people."""
        words = (self.transport, self.operation or "-", self.processor or "-", self.outcome)
        milliseconds = (self.ended - self.began) * 1000
        asker = who(self.client, self.key)
        return f"{' '.join(words)} {milliseconds:.3f} ms {self.request_id}{asker}"


def told(
    operation: str | None, processor: str | None, outcome: str, key: str | None, defect: str | None
) -> dict[str, object]:
    """What is told of a request on every transport; what there is not is left out."""
    fields: dict[str, object] = {"outcome": outcome}
    if operation is not None:
        fields["operation"] = operation
    if processor is not None:
        fields["processor"] = processor
    if key is not None:
        fields["key"] = key
    if defect is not None:
        fields["defect"] = defect
    return fields


def who(client: str | None, key: str | None) -> str:
    """How a line for people ends: from where it was asked and with which key, as far as there are
    such."""
    if key is None:
        return "" if client is None else f" {client}"
    return f" {client or '-'} {key}"


def outcome_of(error: KatoError | None) -> str:
    """What became of a request."""
    return OKAY if error is None else error.error_code


def defect_of(error: KatoError | None) -> str | None:
    """What a client was told of a defect of ours, if it was one."""
    return error.message if isinstance(error, InternalError) else None


class Ledger:
    """Tells what was asked, how it was answered and how long that took."""

    log = Logger()

    def __init__(self, *, clock: IReactorTime) -> None:
        self._clock = clock
        self._counts = RequestCounts()
        self._gathered: list[Entry] = []
        self._closed = False
        self._writing: IDelayedCall | None = None

    @property
    def counts(self) -> RequestCounts:
        """All requests that were answered so far."""
        self.write()
        return self._counts

    def tell(self, entry: Entry) -> None:
        """Take in a request that was answered."""
        self._gathered.append(entry)
        if self._closed:
            self.write()
        elif self._writing is None:
            self._writing = self._clock.callLater(GATHERED, self.write)

    def close(self) -> None:
        """Write what was gathered, and leave no timer behind: what still comes is written at
        once."""
        self._closed = True
        self.write()

    def write(self) -> None:
        """Write what was gathered, now."""
        if self._writing is not None and self._writing.active():
            self._writing.cancel()
        self._writing = None
        gathered, self._gathered = self._gathered, []
        add = self._counts.add
        loud: list[Entry] = []
        quiet: list[Entry] = []
        for each in gathered:
            operation = None if each.refused else each.operation
            add(operation, each.transport, each.outcome, each.ended - each.began)
            (quiet if each.quiet else loud).append(each)
        if loud:
            self.log.info("{number} requests", number=len(loud), lines=loud)
        if quiet:
            self.log.debug("{number} requests", number=len(quiet), lines=quiet)
