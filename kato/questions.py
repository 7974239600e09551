"""What is asked of short-term memory that another service may have computed, each with a key that
says all that the answer hangs on (docs/decisions/cache.md)."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256

from kato import __version__
from kato.codec import SelfWriting, decode_json
from kato.commands import Command, GetForecast, GetPredictions
from kato.engine import Processor
from kato.engine.outlook import Outlook
from kato.errors import InvalidRequest
from kato.messagepack import WrittenList

FORMAT = 1
"""Of what is kept, and of the answers in it: it rises where a program of the same version would
answer otherwise."""

PREFIX = "kato:"

Answer = SelfWriting | Sequence[object]
"""What L{kato.codec.encode_json} writes as a list."""


class Question:
    """The predictions, or with a C{limit} the forecast; of short-term memory after the observation
    C{unique_id}, or as it is."""

    __slots__ = ("limit", "unique_id")

    def __init__(self, *, limit: int | None = None, unique_id: str | None = None) -> None:
        self.limit = limit
        self.unique_id = unique_id

    def is_answered(self, outlook: Outlook) -> bool:
        """Whether the answer is known already."""
        if self.limit is None:
            return outlook.has_predictions
        return outlook.has_forecast(self.limit)

    def key(self, processor: str, outlook: Outlook) -> str:
        """Where the answer is kept.  It changes with all that an answer hangs on, and with genes on
        which it may hang one day."""
        assert outlook.fingerprint is not None, "who asks has models fingerprinted"
        said = (
            *(FORMAT, __version__, processor, self.limit),
            *(outlook.fingerprint.hex(), asdict(outlook.genes), outlook.state),
        )
        return PREFIX + sha256(json.dumps(said).encode()).hexdigest()

    def answer(self, outlook: Outlook) -> Answer:
        """The answer, which is a value: it stays what it is."""
        if self.limit is None:
            return outlook.predictions()
        return outlook.forecast(self.limit)

    def take(self, outlook: Outlook, text: bytes) -> bool:
        """Take the answer from one who wrote it as JSON; C{False}: it is none."""
        if self.limit is None:
            outlook.take_predictions(WrittenList(text))
            return True
        try:
            forecast = decode_json(text)
        except InvalidRequest:
            return False
        if not isinstance(forecast, list):
            return False
        outlook.take_forecast(forecast, self.limit)
        return True


FORESEEN = (Question(), Question(limit=GetForecast().limit))
"""What those are told who listen to a processor."""


def questions_of(command: Command) -> Sequence[Question]:
    """What a command asks that another service may have computed."""
    params = command.params
    if isinstance(params, GetForecast):
        return (Question(limit=params.limit),)
    if isinstance(params, GetPredictions):
        return (Question(unique_id=params.unique_id),)
    return (Question(),) if command.operation == "get_cognition_data" else ()


def outlook_for(engine: Processor, questions: Sequence[Question]) -> Outlook:
    """What all of them are about: they are never about different ones.

    @raise ObservationNotFound: where the observation is not remembered.
    """
    return engine.outlook(questions[0].unique_id)
