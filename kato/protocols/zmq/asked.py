"""A message that came to a ROUTER, until it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kato.commands import Command
from kato.errors import KatoError
from kato.ledger import Answered, defect_of, outcome_of
from kato.origin import Origin


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, judged: the command that it asks for, a request that is no operation, or what is
    wrong with it.

    C{accept} is what the client takes, C{processor} whom it names, C{origin} where it came in, as
    far as a gateway said that.
    """

    accept: frozenset[str]
    processor: str | None
    asks: Command | Mapping[str, Any] | Exception
    origin: Origin | None = None


_NOTHING = Heard(frozenset(), None, {})


class Asked:
    """What came, and what is known of it by now.

    C{envelope} is the frames before the request, C{began} when it came, in Unix seconds; C{control}
    is what it asks the server, where it is no operation.
    """

    __slots__ = ("began", "control", "envelope", "heard")

    def __init__(self, envelope: list[bytes], began: float) -> None:
        self.envelope = envelope
        self.began = began
        self.heard = _NOTHING
        self.control: str | None = None

    @property
    def origin(self) -> Origin | None:
        """Where it came in, as far as that is known."""
        asks = self.heard.asks
        return asks.origin if isinstance(asks, Command) else self.heard.origin

    def answered(self, error: KatoError | None, origin: Origin, now: float) -> Answered:
        """What the log tells of it, and what is counted.

        @param error: why it was not done; C{None}: it was.
        @param origin: where it came in.
        """
        heard, operation = self.heard, self.control
        if isinstance(heard.asks, Command):
            operation = heard.asks.operation
        return Answered(
            operation,
            origin.transport,
            outcome_of(error),
            heard.processor,
            origin.id,
            origin.key,
            self.began,
            now,
            quiet=self.control is not None or (operation == "ping" and heard.processor is None),
            defect=defect_of(error),
        )
