"""A deployment under load, to which faults happen one after the other."""

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic

from tests.cluster.deployment import Deployment, Host
from tests.cluster.history import Call, Crash, History
from tests.cluster.judging import Verdict, judge
from tests.cluster.load import Load, wait_for_calm

_DEFECT = re.compile(r"Traceback|[Dd]efect|Unhandled|INTERNAL_ERROR")
CHECKPOINT = 2.0
"""Seconds between checkpoints of the services, and"""
SAVED = 4.0
"""so long afterwards what was answered is certainly saved."""


@dataclass(slots=True)
class Seen:
    """What a fault did.

    C{outage}: seconds from its begin to the last request that failed; C{failed}: how many did, by
    what they were told; C{most}: how long it may last, 0: nothing may fail, C{None}: for ever;
    C{slowest}: seconds that the slowest answer took.
    """

    fault: str
    outage: float
    failed: Counter[str]
    most: float | None
    took: float
    slowest: float
    moved: int = 0

    @property
    def good(self) -> bool:
        if self.most is None:
            return True
        return self.outage <= self.most and (self.most > 0 or not self.failed)

    def __str__(self) -> str:
        allowed = "" if self.most is None else f" (allowed: {self.most:.0f} s)"
        verdict = "" if self.good else " TOO LONG"
        return (
            f"{self.fault}: failures for {self.outage:.2f} s{allowed}{verdict},"
            f" {dict(self.failed)}; slowest answer {self.slowest:.2f} s;"
            f" {self.moved} processors have another owner; the fault took {self.took:.1f} s"
        )


@dataclass(slots=True)
class Trial:
    """One deployment, its load, and what happens to it."""

    deployment: Deployment
    load: Load
    chance: random.Random
    calm: float = 2.0
    patience: float = 90.0
    seen: list[Seen] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)

    def happen(
        self,
        fault: str,
        do: Callable[[], None],
        *,
        most: float | None,
        loses: str | None = None,
        lasting: float = 0.0,
        everywhere: bool = False,
    ) -> None:
        """Let something happen under load, and wait until nothing fails any more.

        @param most: for how long requests may fail; C{None}: as long as they like.
        @param loses: the address of a service whose observations may fall back.
        @param lasting: how long after the end of it they may.
        @param everywhere: those of all services may, again and again.
        """
        self._wait(self.calm)
        before = self.deployment.owners()
        began = monotonic()
        do()
        ended = monotonic()
        outage = wait_for_calm(
            self.load.records,
            began,
            processors=before,
            calm=self.calm,
            patience=self.patience,
            whole=self._whole,
        )
        if loses is not None or everywhere:
            hit = frozenset(each for each, owner in before.items() if owner == loses)
            met = None if everywhere else hit
            saved = began - CHECKPOINT - SAVED
            self.crashes.append(Crash(began, ended + lasting, met, everywhere, saved, fault))
        after = self.deployment.owners()
        moved = sum(after.get(each) != owner for each, owner in before.items())
        slowest = self.load.records.slowest_since(began)
        failed = Counter(map(_word, self.load.records.failed_since(began)))
        self.seen.append(Seen(fault, outage, failed, most, ended - began, slowest, moved))
        sys.stdout.write(f"  {self.seen[-1]}\n")
        sys.stdout.flush()

    def _whole(self) -> bool:
        return not self.load.records.defects

    def _wait(self, seconds: float) -> None:
        Event().wait(seconds)

    def history(self) -> History:
        """All that was seen, for the judge."""
        return History(tuple(self.load.records.calls), tuple(self.crashes))

    def wrong(self, kept: Path) -> list[str]:
        """What must not be, in words.

        @param kept: where the history is left, for L{tests.cluster.judging}.
        """
        history = self.history()
        history.save(kept)
        began = monotonic()
        verdicts = judge(history)
        self._tell(history, verdicts, monotonic() - began)
        bad = [each for each in verdicts if not each.good]
        found = [f"{each.processor}: {each.found.value}: {each.why}" for each in bad]
        found += [str(each) for each in self.seen if not each.good]
        found += self.load.records.defects
        found += [line for line in self.deployment.logs() if _DEFECT.search(line)][:20]
        return found

    def _tell(self, history: History, verdicts: Sequence[Verdict], took: float) -> None:
        words = Counter(map(_word, history.calls))
        points = sum(each.points for each in verdicts)
        sys.stdout.write(
            f"  {len(history.calls)} calls on {len(verdicts)} processors: {dict(words)}\n"
            f"  judged in {took:.1f} s, {points} points:"
            f" {dict(Counter(each.found.name for each in verdicts))}\n"
        )
        sys.stdout.flush()


def _word(call: Call) -> str:
    """What a call came to, in a word or two."""
    if call.answer is None:
        return "no answer"
    word: str = call.answer.get("error_code", "okay")
    return f"{word}, outcome unknown" if call.answer.get("outcome") == "unknown" else word


def frozen_for(host: Host, seconds: float) -> Callable[[], None]:
    """What lets a service do nothing for a while."""

    def do() -> None:
        host.freeze()
        Event().wait(seconds)
        host.thaw()

    return do
