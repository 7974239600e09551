"""What every provider of the matching seam must do: its tests mix this in."""

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.engine.matching import Matcher, Vote
from kato.genes import RANKINGS
from kato.model import Model, model_name
from tests.engine.oracle import Known, Oracle, blocks, flattened
from tests.engine.worlds import SEQUENCES, SYMBOLS


def model(sequence: Sequence[Sequence[str]], frequency: int = 1) -> Model:
    events = tuple(map(tuple, sequence))
    return Model(model_name(events), events, frequency)


MODELS = st.lists(
    st.builds(model, SEQUENCES, st.integers(1, 4)), max_size=10, unique_by=lambda m: m.name
)
STATES = st.lists(SYMBOLS, max_size=8)


class MatcherContract(SynchronousTestCase):
    """The contract of L{Matcher}; C{make} is the provider's."""

    def make(self) -> Matcher:
        """An empty matcher."""
        raise NotImplementedError

    def holding(self, models: Sequence[Model]) -> Matcher:
        matcher = self.make()
        for each in models:
            matcher.add(each)
        return matcher

    def assert_same(self, matcher: Matcher, models: Sequence[Model], state: list[str]) -> None:
        """The matcher finds what the oracle finds among C{models}."""
        known = [Known(each.name, each.sequence, each.frequency) for each in models]
        for threshold in (0.0, 0.3, 0.7):
            oracle = Oracle(known, state, threshold)
            kept = matcher.kept(state, threshold)
            self.assertEqual(len(kept), len(oracle.kept))
            for rank_by in RANKINGS:
                expected = oracle.predictions(rank_by, 3)
                found = kept.best(rank_by, 3)
                self.assertEqual([match.name for match in found], [e["name"] for e in expected])
                for match, told in zip(found, expected, strict=True):
                    numbers = match.metrics._asdict()
                    self.assertEqual(numbers, {name: told[name] for name in numbers})
            self.assertEqual(sorted(kept.votes()), sorted(self.expected_votes(oracle)))
        self.assertEqual(matcher.symbols, Oracle(known, state, 0).symbols)

    def expected_votes(self, oracle: Oracle) -> Iterator[Vote]:
        for known, found in oracle.kept:
            told = oracle.prediction(known, found)
            if told["future"]:
                yield Vote(
                    name=known.name,
                    frequency=known.frequency,
                    event=len(told["past"]) + len(told["present"]),
                    potential=told["potential"],
                    reaches_now=found[-1][1] + found[-1][2] == len(oracle.state),
                )

    @settings(deadline=None, max_examples=60)
    @given(MODELS, STATES)
    def test_finds(self, models: list[Model], state: list[str]) -> None:
        """It keeps, ranks and measures as SPEC 3 says."""
        self.assert_same(self.holding(models), models, state)

    @settings(deadline=None, max_examples=60)
    @given(MODELS, STATES, st.data())
    def test_follows(self, models: list[Model], state: list[str], data: st.DataObject) -> None:
        """It follows models that are removed, added again, and given another frequency."""
        matcher = self.holding(models)
        present = {each.name: each for each in models}
        for each in models:
            match data.draw(st.sampled_from(["keep", "remove", "again", "reweigh"])):
                case "remove":
                    matcher.remove(present.pop(each.name).name)
                case "again":
                    matcher.remove(each.name)
                    matcher.add(each)
                case "reweigh":
                    frequency = data.draw(st.integers(1, 9))
                    matcher.reweigh(each.name, frequency)
                    present[each.name] = Model(each.name, each.sequence, frequency)
        self.assert_same(matcher, list(present.values()), state)

    @settings(deadline=None, max_examples=60)
    @given(MODELS, STATES)
    def test_blocks(self, models: list[Model], state: list[str]) -> None:
        """Its blocks are difflib's, and the present events are those that they reach into."""
        for match in self.holding(models).kept(state, 0.0).best("similarity", 100):
            [each] = [m for m in models if m.name == match.name]
            self.assertEqual(
                [tuple(b) for b in match.blocks], blocks(flattened(each.sequence), state)
            )
            owner: list[Any] = [i for i, event in enumerate(each.sequence) for _ in event]
            last = match.blocks[-1]
            self.assertEqual(match.first, owner[match.blocks[0].model])
            self.assertEqual(match.last, owner[last.model + last.size - 1] + 1)

    def test_empty(self) -> None:
        """Without models, without a state, or without a common symbol nothing is kept."""
        self.assertEqual(len(self.make().kept(["a"], 0.0)), 0)
        matcher = self.holding([model([["a"], ["b"]])])
        for state in ([], ["x", "y"]):
            kept = matcher.kept(state, 0.0)
            self.assertEqual((len(kept), kept.best("potential", 5), kept.votes()), (0, [], []))
        matcher.remove(model([["a"], ["b"]]).name)
        self.assertEqual((len(matcher.kept(["a"], 0.0)), matcher.symbols), (0, 0))

    def test_vote(self) -> None:
        """A vote names the first future event, and whether the match reaches now."""
        matcher = self.holding([model([["a"], ["b"], ["c"]], 3)])
        [vote] = matcher.kept(["a", "b"], 0.0).votes()
        self.assertEqual((vote.event, vote.frequency, vote.reaches_now), (2, 3, True))
        [vote] = matcher.kept(["a", "b", "x"], 0.0).votes()
        self.assertFalse(vote.reaches_now)
        self.assertEqual(matcher.kept(["a", "c"], 0.0).votes(), [])

    def test_ties(self) -> None:
        """Models that are equal in all but name come by name, however many are asked for."""
        models = [model([["a"], [f"x{i}"]]) for i in range(30)]
        kept = self.holding(models).kept(["a"], 0.0)
        names = sorted(each.name for each in models)
        for most in (1, 7, 30):
            self.assertEqual([match.name for match in kept.best("potential", most)], names[:most])

    def test_long(self) -> None:
        """Models and states of thousands of symbols are no different."""
        sequence = [[f"s{i % 50}"] for i in range(3000)]
        matcher = self.holding([model(sequence)])
        state = [f"s{i % 50}" for i in range(10, 2000)]
        [match] = matcher.kept(state, 0.0).best("potential", 1)
        self.assertEqual([tuple(block) for block in match.blocks], [(10, 0, 1990)])
