"""An agent that asks its expensive planner only where memory does not know what works.

Needs a running server; docs/examples/agent.md tells the story::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/agent_cache.py

A help desk decides what to do with each case.  Its planner, which could be a large language model,
is nearly always right and costs time and money.  So context and action are learned together with
how it went, as an emotive; what served well in such a context before is done again without asking.
Half way the label printer breaks for good: an action that always worked works no more.

The cases are made up, by the class C{World} below.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from random import Random
from typing import Protocol

from kato.client import Client, KatoError, NoAnswer, Observation, Prediction, Processor

GOOD_ENOUGH = 0.5
"""How an action must have gone, from -1 to 1, to be taken without asking."""

ANSWERS = {
    "password": "send reset link",
    "invoice": "send copy",
    "delivery": "ask carrier",
    "return": "send label",
    "broken": "send new one",
    "cancel": "refund",
}
WRONG = "write apology"


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the help desk; C{luck} and C{slip} are the dice of its outcome and its plan."""

    issue: str
    customer: str
    channel: str
    late: bool
    luck: float
    slip: float

    @property
    def context(self) -> list[str]:
        """What the agent sees, as an event."""
        return [f"channel {self.channel}", f"customer {self.customer}", f"issue {self.issue}"]

    @property
    def best(self) -> str:
        """What serves this case best, which the agent does not know."""
        if self.issue == "cancel" and self.customer == "company":
            return "credit note"
        if self.issue == "return" and self.late:
            return "book pickup"
        return ANSWERS[self.issue]

    def plan(self) -> str:
        """Ask the planner, at great expense: right in 97 of 100 cases."""
        return WRONG if self.slip < 0.03 else self.best

    def outcome(self, action: str) -> float:
        """How content the customer is: the best action succeeds in 95 of 100 cases."""
        return 1.0 if self.luck < (0.95 if action == self.best else 0.1) else -1.0


def cases(count: int) -> Iterator[Case]:
    """As many made-up cases, the same ones each time."""
    chance = Random(8)
    for number in range(count):
        yield Case(
            chance.choices(list(ANSWERS), (8, 5, 5, 4, 2, 2))[0],
            chance.choices(("private", "company", "partner"), (6, 3, 1))[0],
            chance.choices(("mail", "chat", "phone"), (5, 4, 1))[0],
            late=number >= count // 2,
            luck=chance.random(),
            slip=chance.random(),
        )


class Memory(Protocol):
    """What spares an agent to ask."""

    def recall(self, case: Case) -> str | None:
        """The action to take, or nothing: then the planner is asked."""

    def learn(self, case: Case, action: str, outcome: float) -> None:
        """Keep how it went."""


class Nothing:
    """Remembers nothing."""

    def recall(self, case: Case) -> str | None:
        """Nothing is known."""
        return None

    def learn(self, case: Case, action: str, outcome: float) -> None:
        """Forget it."""


class Dictionary:
    """A cache as it is mostly written: the plan for each context, for ever or until it fails."""

    def __init__(self, *, careful: bool) -> None:
        self._plans: dict[tuple[str, ...], str] = {}
        self._careful = careful

    def recall(self, case: Case) -> str | None:
        """What was planned in just this context."""
        return self._plans.get(tuple(case.context))

    def learn(self, case: Case, action: str, outcome: float) -> None:
        """Keep the plan; the careful one drops what failed."""
        self._plans[tuple(case.context)] = action
        if self._careful and outcome < 0:
            del self._plans[tuple(case.context)]


class Kato:
    """Remembers what was done in which context, and how that went."""

    def __init__(self, p: Processor, *, alike: bool) -> None:
        """The last five outcomes of a model count.

        @param alike: whether contexts count, too, of which only two symbols are the same.
        """
        self._p = p
        p.create({"persistence": 5, "recall_threshold": 0.5 if alike else 0.8})
        p.clear_all_memory()

    def recall(self, case: Case) -> str | None:
        """What is mostly done in such a context, if it went well."""
        self._p.observe(case.context, brief=True)
        issue = f"issue {case.issue}"
        same_issue = [each for each in self._p.predictions() if issue in each.matches]
        for expected in self._p.forecast():
            voters = [each for each in same_issue if each.future == [expected.event]]
            if voters and felt(voters) >= GOOD_ENOUGH:
                return expected.event[0]
        return None

    def learn(self, case: Case, action: str, outcome: float) -> None:
        """Learn the context, which was observed, with the action and how it went."""
        done = Observation([action], emotives={"content": outcome})
        self._p.observe_sequence([done], learn_at_end=True, brief=True)


def felt(voters: Sequence[Prediction]) -> float:
    """How content customers were on average: voters weigh as much as they do in the forecast."""
    weights = [each.frequency * each.potential**8 for each in voters]
    moods = [each.emotives["content"] for each in voters]
    return fsum(w * m for w, m in zip(weights, moods, strict=True)) / fsum(weights)


@dataclass(slots=True)
class Score:
    """How an agent did."""

    cases: int
    asked: int = 0
    content: int = 0


def work(memory: Memory, every: Sequence[Case]) -> Score:
    """Deal with all cases."""
    score = Score(len(every))
    for case in every:
        action = memory.recall(case)
        if action is None:
            action = case.plan()
            score.asked += 1
        outcome = case.outcome(action)
        memory.learn(case, action, outcome)
        score.content += outcome > 0
    return score


def show(name: str, score: Score) -> None:
    """Tell how an agent did."""
    print(f"  {name:<40}{score.asked:>15}{score.content / score.cases:>20.1%}")


def explain(p: Processor) -> None:
    """Show what is remembered of a kind of case, the latest outcomes last."""
    print("\nWhat is remembered of returns by mail, from private customers:")
    p.observe(["channel mail", "customer private", "issue return"], brief=True)
    for each in p.predictions():
        if not (each.missing or each.extras):
            outcomes = [round(mood["content"]) for mood in p.model(each.name).emotives]
            print(f"  {each.future[0][0]:<13} {each.frequency:3} times, lately {outcomes}")
    p.clear_short_term_memory()


def main() -> None:
    """Let each kind of memory deal with the same cases."""
    parser = argparse.ArgumentParser(description="An agent that remembers what worked.")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--processor", default="example-agent", help="is made to forget first")
    parser.add_argument("--limit", type=int, default=600, help="how many cases")
    arguments = parser.parse_args()
    every = list(cases(arguments.limit))
    print(f"{len(every)} cases{'planner asked':>48}{'customers content':>20}")
    with Client(arguments.url, key=os.environ.get("KATO_API_KEY")) as kato:
        p = kato.processor(arguments.processor)
        show("no memory", work(Nothing(), every))
        show("a dictionary", work(Dictionary(careful=False), every))
        show("a dictionary that drops what failed", work(Dictionary(careful=True), every))
        show("KATO, the same context", work(Kato(p, alike=False), every))
        show("KATO, contexts that are alike", work(Kato(p, alike=True), every))
        explain(p)


if __name__ == "__main__":
    try:
        main()
    except NoAnswer as error:
        raise SystemExit(f"{error} (a server is started by ./kato-manager.sh start)") from None
    except KatoError as error:
        raise SystemExit(f"{error.error_code}: {error}") from None
