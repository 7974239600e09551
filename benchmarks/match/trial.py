"""All that is measured on one workload."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.match.agreement import agree, agree_with_difflib
from benchmarks.match.learning import Deleted, Held, delete_half, held, learning_seconds
from benchmarks.match.measure import Times, fill, measure, measure_best
from benchmarks.match.rivals import SAMPLED, Difflib, Rapidfuzz, difflib_seconds
from benchmarks.match.workloads import Codes, Question, Workload
from kato.engine.matchers import best_provider, provider
from kato.engine.matching import Matcher


@dataclass(frozen=True, slots=True)
class Effort:
    """How many states are asked about."""

    states: int
    cold: int
    python: int
    rivals: int


THOROUGH = Effort(states=300, cold=30, python=5, rivals=5)
LARGE = Effort(states=100, cold=20, python=2, rivals=3)
QUICK = Effort(states=50, cold=5, python=2, rivals=2)
_LARGE_FROM = 300_000


def effort(workload: Workload, quick: bool) -> Effort:
    """As much as takes seconds, or a few minutes for the largest workload."""
    if quick:
        return QUICK
    return LARGE if workload.models >= _LARGE_FROM else THOROUGH


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the times of the best provider, and seconds of all others."""

    question: Question
    times: Times
    python: float
    difflib: Difflib
    rapidfuzz: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What it cost to learn, to hold and to delete the models."""

    add: float
    """Seconds of the matcher for one model,"""
    learn: float
    """and of a whole processor."""
    held: Held
    deleted: Deleted


class Trial:
    """A workload on the best provider there is, and its models for all others."""

    def __init__(self, workload: Workload, effort: Effort) -> None:
        self._workload = workload
        self._effort = effort
        self._sample: list[Codes] = []
        self._texts = Rapidfuzz()
        self._matcher = best_provider().make()
        self._add = fill(self._matcher, workload, self._seen)

    def _seen(self, batch: list[Codes]) -> None:
        self._sample += batch[: SAMPLED - len(self._sample)]
        self._texts.add(batch)

    def ask(self) -> Iterator[Asked]:
        """Ask everybody, once all have been found to agree.

        @raise Disagreement: where they do not.
        """
        python = provider("python", "it is measured").make()
        fill(python, self._workload, lambda batch: None)
        agree(self._matcher, python, self._workload, 1)
        self._agree_with_difflib()
        for question in self._workload.questions:
            yield self._ask(question, python)

    def _agree_with_difflib(self) -> None:
        few = best_provider().make()
        workload = self._workload.of(len(self._sample))
        models: list[Codes] = []
        fill(few, workload, models.extend)
        agree_with_difflib(few, workload, models, 2)

    def _ask(self, question: Question, python: Matcher) -> Asked:
        workload, effort = self._workload, self._effort
        states = workload.states(question, effort.rivals)
        return Asked(
            question,
            measure(self._matcher, workload, question, effort.states, effort.cold),
            measure_best(python, workload, question, effort.python),
            difflib_seconds(self._sample, workload, question.threshold, states),
            self._texts.seconds(states, question.threshold),
        )

    def learn(self) -> Learned:
        """Tell what learning costs; half of the models are deleted then."""
        workload = self._workload
        return Learned(
            self._add, learning_seconds(workload), held(workload), delete_half(self._matcher)
        )
