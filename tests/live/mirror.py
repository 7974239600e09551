"""What a processor must tell, by an engine that never dies, however much got lost on the way to the
true one.

An operation that was answered happened, in the order of the answers.  One that was refused did not.
One whose outcome is unknown may have happened, once, at any time since it was sent: an answer that
is only true if it did shows that.  Where a service was killed, what was done since the last answer
that promised to last may be gone, from some operation on (SPEC 8, 11).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

from kato.codec import encode_json
from kato.commands import OPERATIONS, Command
from kato.engine import Processor
from kato.errors import KatoError
from kato.genes import Genes
from kato.turn import take_turn

Answer = dict[str, Any]

_SHOWN = 12
"""So much of a history is told where an answer is not explained."""
_VARYING = ("time_stamp", "unique_id")


@dataclass(frozen=True, slots=True)
class Sent:
    """An operation as it was sent to a processor."""

    operation: str
    params: dict[str, Any]
    request_id: str | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return OPERATIONS[self.operation].changes

    @property
    def may_be_repeated(self) -> bool:
        """Whether it has an id under which it happens once, however often it is said."""
        return self.request_id is not None or "unique_id" in self.params

    def command(self, processor: str) -> Command:
        """It as the processor sees it."""
        return Command.parse(self.operation, self.params, processor, self.request_id)


class NotExplained(AssertionError):
    """An answer that no history leads to."""


class Mirror:
    """One processor as it must be, by all that it answered."""

    def __init__(self, processor: str) -> None:
        self.processor = processor
        self.history: list[Sent] = []
        self.unknown: list[Sent] = []
        self._engine = self._new()
        self._durable = 0
        self._may_have_lost = False

    def _new(self) -> Processor:
        return Processor(self.processor, genes=Genes())

    def does_not_know(self, sent: Sent) -> None:
        """It may be that this happened, or happens yet; nobody can tell."""
        if sent not in self.unknown:
            self.unknown.append(sent)

    def was_killed(self) -> None:
        """What need not last may be gone."""
        self._may_have_lost = True

    def believes(self, sent: Sent, answer: Answer) -> bool:
        """Take an answer as true, if it can be; gives whether it is."""
        told = _lasting(answer)
        if sent in self.unknown:
            self.unknown.remove(sent)
        for history, happened in self._histories():
            if history is not self.history:
                self._engine = self._after(history)
            said, lasts = self._say(self._engine, sent)
            if said == told:
                self._believe([*history, sent], happened, lasts)
                self._may_have_lost &= "short_term_memory" not in told
                return True
        self._engine = self._after(self.history)
        return False

    def answered(self, sent: Sent, answer: Answer) -> None:
        """Take an answer as true.

        @raise NotExplained: where it cannot be.
        """
        if self.believes(sent, answer):
            return
        truth, _ = self._say(self._engine, sent)
        raise NotExplained(
            f"{self.processor} said {_lasting(answer)} to {sent}, but {truth} is true; the last it "
            f"did is {self.history[-_SHOWN:]}, it may have done {self.unknown}, and lost "
            f"{len(self.history) - self._durable if self._may_have_lost else 'nothing'}"
        )

    def _histories(self) -> Iterator[tuple[list[Sent], Sequence[Sent]]]:
        """All that may have happened until now, the likeliest first, with what of it was unknown
        before."""
        first_lost = self._durable if self._may_have_lost else len(self.history)
        for kept in range(len(self.history), first_lost - 1, -1):
            for happened in _subsets(self.unknown):
                if kept == len(self.history) and not happened:
                    yield self.history, ()
                else:
                    yield [*self.history[:kept], *happened], happened

    def _believe(self, history: list[Sent], happened: Sequence[Sent], lasts: bool) -> None:
        self.history = history
        for each in happened:
            self.unknown.remove(each)
            if _promises_to_last(each):
                self._durable = history.index(each) + 1
        if lasts:
            self._durable = len(history)

    def _after(self, history: Sequence[Sent]) -> Processor:
        engine = self._new()
        for sent in history:
            self._say(engine, sent)
        return engine

    def _say(self, engine: Processor, sent: Sent) -> tuple[Answer, bool]:
        """What an engine answers, and whether that must last."""
        try:
            command = sent.command(self.processor)
            outcome = take_turn(engine, command, now=0.0, make_id=lambda: "made")
        except KatoError as error:
            refused = {"error_code": error.error_code, "message": error.message}
            return {"status": "error", **refused}, False
        return _lasting(json.loads(encode_json(outcome.reply.as_dict()))), outcome.durable


def _promises_to_last(sent: Sent) -> bool:
    """Whether who saw that this happened knows that it will not be lost any more."""
    return sent.operation in ("learn", "change_genes") or bool(sent.params.get("learn_at_end"))


def _subsets(sent: list[Sent]) -> Iterator[tuple[Sent, ...]]:
    """What of it may have happened, in the order in which it was sent."""
    return chain.from_iterable(combinations(sent, size) for size in range(len(sent) + 1))


def _lasting(answer: Answer) -> Answer:
    return {key: value for key, value in answer.items() if key not in _VARYING}
