"""How every provider of the matching seam must match: its tests mix this in."""

import random
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kato.codec import encode_json
from kato.engine.matching import Kept, Matcher, Ranking, Standing, Weights
from kato.genes import RANKINGS
from kato.model import Model, model_name
from tests.engine.oracle import Known, Oracle, flattened
from tests.engine.providers import Provided, law
from tests.engine.worlds import SEQUENCES, SYMBOLS

BIG = 2**53
"""The highest frequency that a client can give, learned once more."""


def model(sequence: Sequence[Sequence[str]], frequency: int = 1) -> Model:
    events = tuple(map(tuple, sequence))
    return Model(model_name(events), events, frequency)


def models_of(symbols: st.SearchStrategy[str], events: int) -> st.SearchStrategy[list[Model]]:
    """Some models of up to C{events} events."""
    event = st.lists(symbols, min_size=1, max_size=3)
    sequence = st.lists(event, min_size=1, max_size=events)
    frequency = st.integers(1, 4) | st.just(BIG)
    return st.lists(st.builds(model, sequence, frequency), max_size=8, unique_by=lambda m: m.name)


MODELS = st.lists(
    st.builds(model, SEQUENCES, st.integers(1, 4)), max_size=10, unique_by=lambda m: m.name
)
STATES = st.lists(SYMBOLS, max_size=8)
ANY = st.one_of(st.text(max_size=3), st.sampled_from(['"', "\\", "\n", "\0", "\x7f", "é", "𝔸", ""]))
FEW = st.sampled_from(["a"]) | st.sampled_from(["a", "b"])


def unfelt(told: dict[str, Any]) -> dict[str, Any]:
    """A prediction as a matcher tells it, which knows no emotives."""
    return {name: value for name, value in told.items() if name != "emotives"}


def random_sequence(
    chance: random.Random, symbols: int, vocabulary: int, widest: int = 3
) -> list[list[str]]:
    """A sequence of so many symbols out of so many, in events of different width."""
    flat = [f"s{chance.randrange(vocabulary)}" for _ in range(symbols)]
    events = []
    while flat:
        width = chance.randint(1, widest)
        events.append(flat[:width])
        flat = flat[width:]
    return events


class MatchingContract(Provided):
    """What L{Matcher.kept} finds, and what is told of it, is what the oracle says."""

    def holding(self, models: Sequence[Model]) -> Matcher:
        matcher = self.make()
        for each in models:
            matcher.add(each.name, each.sequence, each.frequency)
        return matcher

    def assert_same(
        self,
        matcher: Matcher,
        models: Sequence[Model],
        state: Sequence[str],
        *,
        thresholds: Sequence[float] = (0.0, 0.3, 0.7),
        most: int = 3,
    ) -> None:
        """The matcher says what the oracle says of C{models}."""
        known = [Known(each.name, each.sequence, each.frequency) for each in models]
        for threshold in thresholds:
            oracle = Oracle(known, state, threshold)
            kept = matcher.kept(state, threshold)
            self.assertEqual(len(kept), len(oracle.kept))
            for rank_by in RANKINGS:
                self.assert_told(kept.best(rank_by, most), oracle.predictions(rank_by, most))
                self.assert_standing(kept, models, oracle, rank_by)
            expected = oracle.forecast()
            for limit in (1, 2, 10_000):
                self.assertEqual(kept.forecast(limit), expected[:limit])
        self.assert_weights(matcher, oracle)

    def assert_standing(
        self, kept: Kept, models: Sequence[Model], oracle: Oracle, rank_by: str
    ) -> None:
        """Models stand where the oracle ranks them, a few from all places among many."""
        ranked = [each["name"] for each in oracle.predictions(rank_by, len(models))]
        for each in models[:: max(len(models) // 5, 1)]:
            rank = ranked.index(each.name) + 1 if each.name in ranked else None
            expected = Standing(len(ranked), oracle.kept_frequency, rank)
            self.assertEqual(kept.standing(each.name, rank_by), expected)
        self.assertIsNone(kept.standing("nobody", rank_by).rank)

    def assert_weights(self, matcher: Matcher, oracle: Oracle) -> None:
        """Symbols weigh what the oracle counts."""
        symbols = [*oracle.having, *oracle.state, "nowhere"]
        weights = tuple(oracle.having[symbol] for symbol in symbols)
        self.assertEqual(matcher.weigh(symbols), Weights(weights, oracle.mass, oracle.total))

    def assert_told(self, ranking: Ranking, expected: Sequence[dict[str, Any]]) -> None:
        """A ranking tells these predictions, which have emotives beside, in every way."""
        self.assertEqual(list(ranking.names), [each["name"] for each in expected])
        self.assertEqual(len(ranking), len(expected))
        for place, each in enumerate(map(unfelt, expected)):
            written = encode_json(each)
            self.assertEqual(ranking.told(place), each)
            self.assertEqual(encode_json(ranking.told(place)), written)
            self.assertEqual(ranking.json(place) + b"}", written)

    def assert_blocks(self, models: Sequence[Model], state: Sequence[str]) -> None:
        """The blocks of every model that has one are difflib's."""
        sequences = {each.name: flattened(each.sequence) for each in models}
        ranking = self.holding(models).kept(state, 0.0).best("similarity", len(models) + 1)
        for place, name in enumerate(ranking.names):
            compared = SequenceMatcher(None, sequences.pop(name), state, autojunk=False)
            expected = [tuple(block) for block in compared.get_matching_blocks() if block.size]
            self.assertEqual([tuple(block) for block in ranking.blocks(place)], expected)
        for flat in sequences.values():
            self.assertEqual(set(flat) & set(state), set())

    @law(60)
    @given(MODELS, STATES)
    def test_finds(self, models: list[Model], state: list[str]) -> None:
        """It keeps, ranks, measures and expects as SPEC 3 says."""
        self.assert_same(self.holding(models), models, state)

    @law(60)
    @given(models_of(ANY, 4), st.lists(ANY, max_size=6))
    def test_any_symbol(self, models: list[Model], state: list[str]) -> None:
        """Whatever a symbol is made of, it is told and written as it is."""
        own = [symbol for each in models[:2] for symbol in flattened(each.sequence)]
        self.assert_same(self.holding(models), models, state)
        self.assert_same(self.holding(models), models, own + state)

    @law(60)
    @given(models_of(FEW, 20), st.lists(FEW, max_size=40))
    def test_few_symbols(self, models: list[Model], state: list[str]) -> None:
        """So it does where there are hardly any symbols, and all of them stand everywhere."""
        self.assert_same(self.holding(models), models, state)
        self.assert_blocks(models, state)

    @law(60)
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
                    matcher.add(each.name, each.sequence, each.frequency)
                case "reweigh":
                    frequency = data.draw(st.integers(1, 9) | st.just(BIG))
                    matcher.reweigh(each.name, frequency)
                    present[each.name] = Model(each.name, each.sequence, frequency)
        self.assert_same(matcher, list(present.values()), state)

    @law(60)
    @given(MODELS, STATES)
    def test_blocks(self, models: list[Model], state: list[str]) -> None:
        """Its blocks are difflib's, and models without any are not kept."""
        self.assert_blocks(models, state)

    @law(60)
    @given(MODELS, MODELS, STATES)
    def test_value(self, models: list[Model], others: list[Model], state: list[str]) -> None:
        """A ranking stays as it was made, read before or not, whatever becomes of its models, and
        of the symbols that only they had."""
        matcher = self.holding(models)
        oracle = Oracle([Known(m.name, m.sequence, m.frequency) for m in models], state, 0.0)
        rankings = [matcher.kept(state, 0.0).best(rank_by, 5) for rank_by in RANKINGS[:2]]
        self.assert_told(rankings[0], oracle.predictions(RANKINGS[0], 5))
        for each in models[::2]:
            matcher.reweigh(each.name, 77)
        for each in models:
            matcher.remove(each.name)
        for each in others:
            renamed = [tuple(f"new {symbol}" for symbol in event) for event in each.sequence]
            matcher.add(each.name, tuple(renamed), 5)
        for rank_by, ranking in zip(RANKINGS[:2], rankings, strict=True):
            self.assert_told(ranking, oracle.predictions(rank_by, 5))

    def test_empty(self) -> None:
        """Without models, without a state, or without a common symbol nothing is kept."""
        self.assertEqual(len(self.make().kept(["a"], 0.0)), 0)
        each = model([["a"], ["b"]])
        matcher = self.holding([each])
        for state in ([], ["x", "y"]):
            kept = matcher.kept(state, 0.0)
            self.assertEqual((len(kept), len(kept.best("potential", 5))), (0, 0))
            self.assertEqual(kept.forecast(5), [])
        matcher.remove(each.name)
        self.assertEqual((len(matcher.kept(["a"], 0.0)), matcher.symbols), (0, 0))

    def test_reaching_now(self) -> None:
        """Where a match reaches the last symbol of the state, only such models vote."""
        models = [model([["a"], ["b"], ["c"]], 3), model([["a"], ["x"]], 50)]
        kept = self.holding(models).kept(["a", "b"], 0.0)
        self.assertEqual(
            kept.forecast(5), [{"event": ["c"], "share": 1.0, "models": 1, "frequency": 3}]
        )
        events = [each["event"] for each in self.holding(models).kept(["a", "z"], 0.0).forecast(5)]
        self.assertEqual(sorted(events), [["b"], ["x"]])

    def test_weightless(self) -> None:
        """A model of no weight reaches now all the same, and is counted with those that vote for
        the same; alone it gives no forecast."""
        others = [f"x{i}" for i in range(300)]
        state = ["p", *others[:100], "q", *others[100:200], "r", *others[200:], "s"]
        light = model([["p", "q", "r", "s"], ["b"]])
        mate, heavy = model([["s"], ["b"]]), model([["p"], ["c"]], 9)
        matcher = self.holding([light, mate, heavy])
        told = {e["name"]: e for e in map(matcher.kept(state, 0.0).best("snr", 3).told, range(3))}
        self.assertLess(told[light.name]["potential"], 0)
        self.assertGreater(told[mate.name]["potential"], 0)
        [entry] = matcher.kept(state, 0.0).forecast(5)
        self.assertEqual(entry, {"event": ["b"], "share": 1.0, "models": 2, "frequency": 2})
        self.assertEqual(self.holding([light, heavy]).kept(state, 0.0).forecast(5), [])
        self.assert_same(matcher, [light, mate, heavy], state)

    def test_ties(self) -> None:
        """Models that are equal in all but name come by name, however many are asked for, and
        entries of equal share by their events."""
        models = [model([["a"], [f"x{i}", "𝔸"], ["y"]]) for i in range(30)]
        kept = self.holding(models).kept(["a"], 0.0)
        names = sorted(each.name for each in models)
        events = sorted(list(each.sequence[1]) for each in models)
        for most in (1, 7, 30, 31):
            for rank_by in RANKINGS:
                self.assertEqual(list(kept.best(rank_by, most).names), names[:most])
            told = [entry["event"] for entry in kept.forecast(most)]
            self.assertEqual(told, events[:most])

    def test_frequencies(self) -> None:
        """Frequencies are exact as high as they can be, and their sums beyond 2^63."""
        models = [
            model([["a"], [f"m{i}"], ["b" if i % 2 else f"n{i}"]], BIG - i % 3) for i in range(1100)
        ]
        self.assertGreater(sum(each.frequency for each in models), 2**63)
        matcher = self.holding(models)
        self.assert_same(matcher, models, ["a", "m7"], thresholds=(0.0,))
        self.assert_same(matcher, models, ["a", "b", "n8"], thresholds=(0.0, 0.5))
        for each in models[1:]:
            matcher.remove(each.name)
        self.assert_same(matcher, models[:1], ["a", "m7"])

    def test_states_of_any_length(self) -> None:
        """States and models of any length are matched exactly: beyond every number of bits in a
        word, with symbols that no model has, and with few symbols that stand often."""
        chance = random.Random(3)
        for length in (63, 64, 65, 127, 128, 129, 300, 700):
            for vocabulary in (2, 5, 60):
                sizes = (1, 2, 20, length // 2, length)
                models = [model(random_sequence(chance, size, vocabulary)) for size in sizes]
                state = flattened(random_sequence(chance, length, vocabulary + vocabulary // 4))
                self.assert_blocks(models, state)
                some = [models[0], *(each for each in models[1:] if each.name != models[0].name)]
                self.assert_same(self.holding(some), some, state, thresholds=(0.0, 0.3))

    def test_nearly_the_same(self) -> None:
        """Long models that a state nearly is, changed here and there, are matched exactly."""
        chance = random.Random(4)
        for length, vocabulary in ((3000, 50), (1000, 5), (400, 2)):
            flat = flattened(random_sequence(chance, length, vocabulary))
            state = list(flat)
            for _ in range(12):
                place = chance.randrange(len(state))
                state[place : place + chance.randrange(3)] = [f"s{chance.randrange(vocabulary)}"]
            models = [model([flat[:100], flat[100:]]), model([state[50:], flat[:7]])]
            self.assert_blocks(models, state)
            self.assert_same(self.holding(models), models, state, thresholds=(0.0, 0.7))

    def test_long(self) -> None:
        """Models and states of thousands of symbols that come round and round are no different."""
        models = [model([[f"s{i % 50}"] for i in range(3000)])]
        state = [f"s{i % 50}" for i in range(10, 2000)]
        ranking = self.holding(models).kept(state, 0.0).best("potential", 1)
        self.assertEqual([tuple(block) for block in ranking.blocks(0)], [(10, 0, 1990)])
        self.assert_same(self.holding(models), models, state[:500], thresholds=(0.0,))

    def test_many(self) -> None:
        """Among many models the best are found, of which most are ranked out unseen."""
        chance = random.Random(5)
        sequences = [random_sequence(chance, chance.randint(2, 24), 40) for _ in range(600)]
        models = list(
            {m.name: m for m in (model(s, 1 + i % 7) for i, s in enumerate(sequences))}.values()
        )
        matcher = self.holding(models)
        for length in (1, 3, 20):
            state = flattened(random_sequence(chance, length, 42))
            self.assert_same(matcher, models, state, thresholds=(0.0, 0.1, 0.5), most=100)
