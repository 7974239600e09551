"""What a processor must tell, by an engine that never dies, however much got lost on the way to the
true one.

An operation that was answered happened, in the order of the answers.  One that was refused did not.
One whose outcome is unknown may have happened, once, at any time since it was sent: an answer that
is only true if it did shows that.  Where a service was killed, what was done since the last answer
that promised to last may be gone, from some operation on (SPEC 8, 11).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice
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
_MOST = 64
"""So many courses are followed where answers leave open which one was taken."""
_VARYING = ("time_stamp", "unique_id")


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """An operation as it was sent to a processor; another one is not the same, however equal."""

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


@dataclass(frozen=True, slots=True)
class Course:
    """What may have happened until now.

    C{unknown} is what did not happen, and may yet; C{durable} tells how much of C{history} lasts.
    """

    history: tuple[Sent, ...] = ()
    unknown: tuple[Sent, ...] = ()
    durable: int = 0

    def without(self, sent: Sent) -> "Course":
        """It, where this was not sent yet."""
        if sent not in self.unknown:
            return self
        return replace(self, unknown=tuple(each for each in self.unknown if each != sent))

    def until_now(self, *, lost: bool) -> "Iterator[Course]":
        """All that it may have become, itself first.

        @param lost: whether what need not last may be gone.
        """
        first = self.durable if lost else len(self.history)
        for kept in range(len(self.history), first - 1, -1):
            for happened in _subsets(self.unknown):
                if kept == len(self.history) and not happened:
                    yield self
                else:
                    yield self._become(kept, happened)

    def _become(self, kept: int, happened: Sequence[Sent]) -> "Course":
        lasting = [place for place, each in enumerate(happened) if _promises_to_last(each)]
        return Course(
            self.history[:kept] + tuple(happened),
            tuple(each for each in self.unknown if each not in happened),
            kept + lasting[-1] + 1 if lasting else self.durable,
        )

    def followed_by(self, sent: Sent, *, lasts: bool) -> "Course":
        """It, and then something more, which was answered."""
        history = (*self.history, sent)
        return Course(history, self.unknown, len(history) if lasts else self.durable)


class Mirror:
    """One processor as it must be, by all that it answered."""

    def __init__(self, processor: str) -> None:
        self.processor = processor
        self._courses = [Course()]
        self._engine = self._after(self._courses[0])
        self._may_have_lost = False

    @property
    def said(self) -> int:
        """How much it answered."""
        return len(self._courses[0].history)

    @property
    def unknown(self) -> Sequence[Sent]:
        """What may happen yet, as far as may be told."""
        return self._courses[0].unknown

    def does_not_know(self, sent: Sent) -> None:
        """It may be that this happened, or happens yet; nobody can tell."""
        self._courses = [
            each if sent in each.unknown else replace(each, unknown=(*each.unknown, sent))
            for each in self._courses
        ]

    def was_killed(self) -> None:
        """What need not last may be gone."""
        self._may_have_lost = True

    def believes(self, sent: Sent, answer: Answer) -> bool:
        """Take an answer as true, if it can be; gives whether it is."""
        told = _lasting(answer)
        true = list(islice(self._explained(sent, told), _MOST))
        if true:
            self._courses = [course for course, _ in true]
            self._engine = true[0][1]
            self._may_have_lost &= "short_term_memory" not in told
        else:
            self._engine = self._after(self._courses[0])
        return bool(true)

    def answered(self, sent: Sent, answer: Answer) -> None:
        """Take an answer as true.

        @raise NotExplained: where it cannot be.
        """
        if self.believes(sent, answer):
            return
        truth, _ = self._say(self._engine, sent)
        [course, *others] = self._courses
        raise NotExplained(
            f"{self.processor} said {_lasting(answer)} to {sent}, but {truth} is true; the last it "
            f"did is {course.history[-_SHOWN:]}, it may have done {course.unknown}, and lost "
            f"{len(course.history) - course.durable if self._may_have_lost else 'nothing'}; there "
            f"are {len(others)} other courses"
        )

    def _explained(self, sent: Sent, told: Answer) -> Iterator[tuple[Course, Processor]]:
        """All courses after which this is the answer, with it at their ends, and an engine that
        went through each."""
        present = self._courses[0]
        for course in self._courses:
            for each in course.without(sent).until_now(lost=self._may_have_lost):
                engine = self._engine if each is present else self._after(each)
                said, lasts = self._say(engine, sent)
                if said == told:
                    yield each.followed_by(sent, lasts=lasts), engine

    def _after(self, course: Course) -> Processor:
        engine = Processor(self.processor, genes=Genes())
        for sent in course.history:
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


def _subsets(sent: Sequence[Sent]) -> Iterator[tuple[Sent, ...]]:
    """What of it may have happened, in the order in which it was sent."""
    return chain.from_iterable(combinations(sent, size) for size in range(len(sent) + 1))


def _lasting(answer: Answer) -> Answer:
    return {key: value for key, value in answer.items() if key not in _VARYING}
