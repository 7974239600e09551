"""What the judge finds: that a true history is true, and each thing that must not happen."""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.cluster.deeds import DEEDS
from tests.cluster.history import Call, Crash, History, durable_answers
from tests.cluster.judging import Found, judge
from tests.cluster.simulator import PROCESSOR, Simulation, Weather
from tests.cluster.trying import explained

SEEDS = st.integers(0, 2**32)
NO_CRASH = replace(Weather(), crashes=0)


class LawTests(SynchronousTestCase):
    """Histories of the engine itself, in simulated time."""

    @settings(deadline=None, max_examples=25)
    @given(SEEDS)
    def test_true(self, seed: int) -> None:
        """What an engine tells through lost answers, late requests and crashes is explained."""
        history = Simulation(random.Random(seed), weather=Weather(crashes=3)).run()
        [verdict] = judge(history)
        self.assertTrue(verdict.good, verdict.why)

    def test_deed(self) -> None:
        """What must not happen is found, where nothing else happened that could be its reason.  Of
        a thousand chances two leave no trace, so these are chosen once and for all."""
        for deed in sorted(DEEDS):
            for seed in range(4):
                simulation = Simulation(random.Random(seed), deed=DEEDS[deed])
                [verdict] = judge(simulation.run())
                self.assertFalse(verdict.good and simulation.deed_done, (deed, seed))

    def test_deeds(self) -> None:
        """Nearly every simulation has a chance to do each deed, and it is found also where answers
        are lost and requests come late, which may be another reason for a few."""
        for name, deed in DEEDS.items():
            done = found = 0
            for seed in range(10):
                simulation = Simulation(random.Random(seed), weather=NO_CRASH, deed=deed)
                [verdict] = judge(simulation.run())
                done += simulation.deed_done
                found += simulation.deed_done and not verdict.good
            self.assertGreater(done, 4, name)
            self.assertGreaterEqual(found, done - 1, name)

    @settings(deadline=None, max_examples=60)
    @given(SEEDS)
    def test_as_by_trying(self, seed: int) -> None:
        """It finds what trying everything finds, in small histories, true or spoilt."""
        chance = random.Random(seed)
        weather = Weather(0.1, 0.15, 0.0, 0.05, crashes=chance.randint(0, 1))
        history = Simulation(chance, clients=3, calls=4, weather=weather).run().of(PROCESSOR)
        if chance.random() < 0.7:
            history = spoilt(history, chance)
        often = chance.random() < 0.2
        history = replace(
            history, crashes=tuple(replace(each, often=often) for each in history.crashes)
        )
        if len(history.calls) > 9:
            return
        [verdict] = judge(history)
        self.assertEqual(verdict.good, explained(history), verdict.why)


def spoilt(history: History, chance: random.Random) -> History:
    """It with an answer that is another one."""
    calls = list(history.calls)
    place = chance.randrange(len(calls))
    answer = dict(calls[place].answer or {})
    if "interval" in answer and chance.random() < 0.5:
        answer["interval"] = max(0, answer["interval"] + chance.choice((-1, 1)))
    elif answer.get("short_term_memory"):
        answer["short_term_memory"] = answer["short_term_memory"][chance.choice((0, 1)) :][:-1]
    elif answer.get("models"):
        answer["models"][0]["frequency"] += 1
    else:
        answer = {}
    calls[place] = replace(calls[place], answer=answer or None)
    return replace(history, calls=tuple(calls))


ONE, TWO = {"strings": ["a"]}, {"strings": ["b"]}


def okay(**fields: Any) -> dict[str, Any]:
    return {"status": "okay", **fields}


def failed(code: str, **fields: Any) -> dict[str, Any]:
    return {"status": "error", "error_code": code, **fields}


def stm(*words: str) -> list[list[str]]:
    return [[each] for each in words]


class CaseTests(SynchronousTestCase):
    """One thing at a time."""

    def call(
        self,
        began: float,
        ended: float,
        operation: str,
        answer: dict[str, Any] | None,
        request_id: str | None = None,
        **params: Any,
    ) -> Call:
        return Call("c", "p", operation, params, request_id, began, ended, answer)

    def found(self, *calls: Call, crashes: Iterable[Crash] = ()) -> Found:
        [verdict] = judge(History(calls, tuple(crashes)))
        self.assertEqual(bool(verdict.why), verdict.found is not Found.EXPLAINED)
        return verdict.found

    def observed(self, began: float, ended: float, *words: str, at: int) -> Call:
        """An observation of the last of these, which short-term memory then is."""
        answer = okay(interval=at, short_term_memory=stm(*words), auto_learned_model=None)
        return self.call(began, ended, "observe", answer, strings=[words[-1]])

    def looked(self, began: float, *words: str, at: int) -> Call:
        answer = okay(interval=at, short_term_memory=stm(*words))
        return self.call(began, began + 0.5, "get_short_term_memory", answer)

    def test_order(self) -> None:
        """Two at the same time happened in any order, one after the other in that order."""
        one, two = self.observed(0, 3, "b", "a", at=2), self.observed(1, 2, "b", at=1)
        self.assertIs(self.found(one, two), Found.EXPLAINED)
        late = replace(two, began=4.0, ended=5.0)
        self.assertIs(self.found(one, late), Found.NOT_EXPLAINED)

    def test_unknown(self) -> None:
        """What was not answered happened once, or not, at any time since."""
        lost = self.call(0, 1, "observe", None, "r", strings=["a"])
        self.assertIs(self.found(lost, self.observed(2, 3, "b", at=1)), Found.EXPLAINED)
        self.assertIs(self.found(lost, self.observed(2, 3, "a", "b", at=2)), Found.EXPLAINED)
        twice = self.observed(2, 3, "a", "a", "b", at=3)
        self.assertIs(self.found(lost, twice), Found.NOT_EXPLAINED)
        again = replace(self.observed(4, 5, "a", at=1), request_id="r")
        self.assertIs(self.found(lost, again, self.looked(6, "a", at=1)), Found.EXPLAINED)
        doubled = self.looked(6, "a", "a", at=2)
        self.assertIs(self.found(lost, again, doubled), Found.NOT_EXPLAINED)

    def test_refused(self) -> None:
        """What was refused did not happen; what timed out may have."""
        refused = self.call(0, 1, "observe", failed("PROCESSOR_UNAVAILABLE"), strings=["a"])
        told = self.observed(2, 3, "a", "b", at=2)
        self.assertIs(self.found(refused, told), Found.NOT_EXPLAINED)
        unknown = failed("PROCESSOR_UNAVAILABLE", outcome="unknown")
        self.assertIs(self.found(replace(refused, answer=unknown), told), Found.EXPLAINED)
        timeout = failed("TIMEOUT")
        self.assertIs(self.found(replace(refused, answer=timeout), told), Found.EXPLAINED)

    def test_fallback(self) -> None:
        """A crash takes back observations from some one on, but none that was learned, nor another
        one in the middle."""
        calls = [self.observed(n, n + 0.5, *"abc"[: n + 1], at=n + 1) for n in range(3)]
        crash = Crash(4, 5)
        for kept in range(1, 4):
            told = self.looked(6, *"abc"[:kept], at=kept)
            self.assertIs(self.found(*calls, told, crashes=[crash]), Found.EXPLAINED)
            expected = Found.EXPLAINED if kept == 3 else Found.NOT_EXPLAINED
            self.assertIs(self.found(*calls, told), expected)
            saved = replace(crash, saved=1.6)
            expected = Found.EXPLAINED if kept > 1 else Found.NOT_EXPLAINED
            self.assertIs(self.found(*calls, told, crashes=[saved]), expected)
            saved = durable_answers([crash])[0]
            expected = Found.EXPLAINED if kept == 3 else Found.NOT_EXPLAINED
            self.assertIs(self.found(*calls, told, crashes=[saved]), expected)
        mixed = self.looked(6, "a", "c", at=2)
        self.assertIs(self.found(*calls, mixed, crashes=[crash]), Found.NOT_EXPLAINED)

    def test_gone(self) -> None:
        """All may be lost of a processor that only observed; nothing, where it was created."""
        observed = self.observed(1, 2, "a", at=1)
        gone = self.call(6, 7, "get_short_term_memory", failed("PROCESSOR_NOT_FOUND"))
        crash = Crash(4, 5)
        self.assertIs(self.found(observed, gone, crashes=[crash]), Found.EXPLAINED)
        made = self.call(0, 0.5, "create_processor", okay(created=True))
        self.assertIs(self.found(made, observed, gone, crashes=[crash]), Found.NOT_EXPLAINED)

    def test_read_of_a_learn(self) -> None:
        """A learn that nobody was told of lasts from when an answer showed it."""
        sequence: dict[str, Any] = {"observations": [ONE, TWO], "learn_at_end": True}
        lost = self.call(0, 1, "observe_sequence", None, **sequence)
        crash = Crash(4, 5)
        gone = self.call(6, 7, "list_models", failed("PROCESSOR_NOT_FOUND"))
        self.assertIs(self.found(lost, gone, crashes=[crash]), Found.EXPLAINED)
        seen = self.call(2, 3, "ping", okay(interval=2))
        self.assertIs(self.found(lost, seen, gone, crashes=[crash]), Found.NOT_EXPLAINED)
        self.assertIs(self.found(lost, seen, crashes=[crash]), Found.EXPLAINED)

    def test_one_crash(self) -> None:
        """One crash falls back once, and what crashes often as often as it may."""
        calls = [
            self.observed(0, 1, "a", at=1),
            self.observed(5, 6, "b", at=1),
            self.observed(7, 8, "c", at=1),
        ]
        crash = Crash(2, 9)
        self.assertIs(self.found(*calls, crashes=[crash]), Found.NOT_EXPLAINED)
        often = replace(crash, often=True)
        self.assertIs(self.found(*calls, crashes=[often]), Found.EXPLAINED)
        others = replace(often, processors=frozenset({"q"}))
        self.assertIs(self.found(*calls, crashes=[others]), Found.NOT_EXPLAINED)

    def test_done_twice(self) -> None:
        """What was under way in a crash may be done, lost, and done again for the same answer."""
        slow = replace(self.observed(0, 9, "a", at=1), request_id="r")
        between = self.observed(1, 2, "a", "b", at=2)
        after = self.looked(10, "a", at=1)
        late = [self.observed(0, 0.1, "c", at=1), self.observed(0.2, 0.3, "c", "a", at=2)]
        again = [self.looked(10, "c", at=1), self.looked(11, "c", "a", at=2)]
        self.assertIs(self.found(*late, *again, crashes=[Crash(0.2, 5)]), Found.NOT_EXPLAINED)
        crash = Crash(4, 5)
        self.assertIs(self.found(slow, between, after, crashes=[crash]), Found.EXPLAINED)
        self.assertIs(self.found(slow, between, after), Found.NOT_EXPLAINED)

    def test_crowd(self) -> None:
        """Many that wait through a crash are put into their order soon, though one that was sent
        early puts the clock back, and one that lasts would do before the crash as well as after:
        but what was answered before it is lost."""
        words = "abcdefghijkl"
        many = [
            replace(self.observed(n / 10, 9, *words[: n + 1], at=n + 1), request_id=f"r{n}")
            for n in range(len(words))
        ]
        lost = self.observed(-2, -1, "y", at=1)
        answer = okay(interval=0, short_term_memory=[])
        cleared = self.call(0, 9, "clear_all_memory", answer, "x")
        answer = okay(gene="persistence", old_value=5, new_value=2, interval=1)
        changed = self.call(0, 9, "change_gene", answer, "y", gene="persistence", value=2)
        after = self.observed(9, 10, "z", at=1)
        history = History((lost, *many, cleared, changed, after), (Crash(-0.5, 8),))
        [verdict] = judge(history, most=10 * len(history.calls))
        self.assertTrue(verdict.good, verdict.why)

    def test_bound(self) -> None:
        """Where there are too many orders, it says so."""
        calls = [self.call(n / 10, 99, "observe", None, strings=[f"s{n}"]) for n in range(9)]
        told = self.observed(100, 101, *"abc", at=9)
        [verdict] = judge(History((*calls, told)), most=100)
        self.assertIs(verdict.found, Found.UNDECIDED)

    def test_kept(self) -> None:
        """A history that is written is read as it was."""
        calls = (self.observed(0, 1, "a", at=1), self.call(1, 2, "learn", None, "r"))
        crashes = (Crash(1, 2, frozenset({"p"})), Crash(3, 4, often=True, saved=2.0))
        path = Path(self.mktemp())
        History(calls, crashes).save(path)
        self.assertEqual(History.load(path), History(calls, crashes))
