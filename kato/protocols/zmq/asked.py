"""A message that came to a ROUTER, until it is answered."""

from kato.commands import Command
from kato.errors import KatoError
from kato.ledger import Answered, defect_of, outcome_of
from kato.origin import Origin

_NOTHING: frozenset[str] = frozenset()


class Asked:
    """What came, and what is known of it by now.

    C{envelope} is the frames before the request, C{began} when it came, in Unix seconds; C{accept}
    what the client takes, C{processor} whom it names, C{origin} where it came in; C{command} is
    what it asks a processor, C{control} what it asks the server, once it is known that it may;
    C{wanted} the operation that it names.
    """

    __slots__ = (
        *("accept", "began", "command", "control", "envelope", "origin", "processor"),
        "wanted",
    )

    def __init__(self, envelope: list[bytes], began: float) -> None:
        self.envelope = envelope
        self.began = began
        self.accept = _NOTHING
        self.processor: str | None = None
        self.origin: Origin | None = None
        self.command: Command | None = None
        self.control: str | None = None
        self.wanted: str | None = None

    def answered(self, error: KatoError | None, origin: Origin, now: float) -> Answered:
        """What the log tells of it, and what is counted.

        @param error: why it was not done; C{None}: it was.
        @param origin: where it came in.
        """
        operation, processor = self.control or self.wanted, self.processor
        if self.command is not None:
            operation, processor = self.command.operation, self.command.processor
        refused = self.command is None and self.control is None
        is_ping = not refused and operation == "ping" and processor is None
        return Answered(
            operation,
            origin.transport,
            outcome_of(error),
            processor,
            origin.id,
            origin.key,
            self.began,
            now,
            quiet=self.control is not None or is_ping,
            defect=defect_of(error),
            refused=refused,
        )
