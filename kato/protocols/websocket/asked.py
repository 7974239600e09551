"""A message of a client, from when it is heard until it is answered."""

from kato.errors import KatoError
from kato.ledger import Answered, defect_of, outcome_of
from kato.origin import Origin
from kato.protocols.websocket.conversation import Heard, Kind


class Asked:
    """What was heard, where it came in, and when, in Unix seconds.

    C{operation} is what it asks for, once it is known that it may.
    """

    __slots__ = ("began", "heard", "operation", "origin")

    def __init__(self, heard: Heard, origin: Origin, began: float) -> None:
        self.heard = heard
        self.origin = origin
        self.began = began
        self.operation: str | None = None

    def answered(self, error: KatoError | None, now: float) -> Answered:
        """What the log tells of it, and what is counted.

        @param error: why it was not done; C{None}: it was.
        """
        heard, operation = self.heard, self.operation
        if operation is None and heard.saying is not None:
            operation = heard.saying.named
        return Answered(
            operation=operation,
            transport=self.origin.transport,
            outcome=outcome_of(error),
            processor=heard.processor,
            request_id=self.origin.id,
            key=self.origin.key,
            began=self.began,
            ended=now,
            quiet=heard.saying is not None and heard.saying.kind is Kind.PING,
            defect=defect_of(error),
            client=self.origin.client,
            refused=self.operation is None,
        )
