"""How many vectors, and names of emotives, a processor holds at most."""

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import StoredVector
from kato.engine import Processor
from kato.engine.vectors import VectorMemory
from kato.errors import LimitReached
from kato.genes import Genes
from kato.observation import Observation

VECTOR = st.builds(lambda each: (float(each),), st.integers(0, 8))
OBSERVATION = st.builds(
    Observation,
    strings=st.lists(st.sampled_from("ab"), max_size=1).map(tuple),
    vectors=st.lists(VECTOR, max_size=3).map(tuple),
    emotives=st.dictionaries(st.sampled_from("efghij"), st.just(1.0), max_size=3),
)


def vectors(*numbers: int) -> Observation:
    return Observation(vectors=tuple((float(each), 2.0) for each in numbers))


def emotives(*names: str) -> Observation:
    return Observation(emotives=dict.fromkeys(names, 1.0))


def state(processor: Processor) -> Any:
    """All of it that an observation may change."""
    return (
        processor.short_term_memory(),
        processor.vectors_held,
        processor.emotives,
        processor.interval,
        processor.models,
    )


class VectorTests(SynchronousTestCase):
    """How many vectors there may be, learned or not."""

    def setUp(self) -> None:
        self.processor = Processor("p", genes=Genes(vector_neighbors=0), max_vectors=3)

    def test_learned(self) -> None:
        """A vector is held where no model was made of it; so many may be, and the next one is
        refused, with nothing changed."""
        for number in range(3):
            self.processor.observe(vectors(number))
            self.processor.learn()
        self.assertEqual((self.processor.models, self.processor.vectors), (0, 3))
        before = state(self.processor)
        with self.assertRaises(LimitReached) as caught:
            self.processor.observe(vectors(3))
        told = "vectors: more than 3 would be held, which is the limit max-vectors"
        self.assertIn(told, caught.exception.message)
        self.assertEqual(state(self.processor), before)
        self.processor.observe(vectors(0, 1, 2))
        self.assertEqual(self.processor.vectors_held, 3)

    def test_cleared(self) -> None:
        """Those that wait to be learned count, until short-term memory is cleared."""
        self.processor.observe(vectors(0, 1, 2))
        self.assertRaises(LimitReached, self.processor.observe, vectors(3))
        self.processor.clear_short_term_memory()
        self.processor.observe(vectors(3, 3, 4, 5))
        self.assertEqual(self.processor.vectors_held, 3)

    def test_sequence(self) -> None:
        """A sequence in which there is one too many is refused whole, and told where."""
        before = state(self.processor)
        sequence = [vectors(0, 1), vectors(1, 2), vectors(0), vectors(3)]
        for learns in (False, True):
            with self.assertRaises(LimitReached) as caught:
                self.processor.observe_sequence(sequence, learn_after_each=learns)
            self.assertIn("observations[3].vectors: ", caught.exception.message)
            self.assertEqual(state(self.processor), before)
        self.processor.observe_sequence(sequence[:3] * 5)

    def test_restored(self) -> None:
        """What the store had counts, learned or not."""
        stored = [StoredVector("x", (1.0,), True), StoredVector("y", (2.0,), False)]
        memory = VectorMemory.restore(stored)
        self.assertEqual(memory.held, 2)
        self.assertTrue(memory.holds("x") and memory.holds("y"))


class EmotiveTests(SynchronousTestCase):
    """How many names may be gathered until something is learned."""

    def setUp(self) -> None:
        self.processor = Processor("p", max_gathered=3)

    def test_gathered(self) -> None:
        """Observations without an event gather so many; the next one is refused, with nothing
        changed, until what was gathered is learned or cleared."""
        for end in (self.processor.learn, self.processor.clear_short_term_memory):
            for name in "efg":
                self.processor.observe(emotives(name))
            before = state(self.processor)
            with self.assertRaises(LimitReached) as caught:
                self.processor.observe(emotives("e", "h"))
            told = "emotives: more than 3 names would be gathered since the last learning"
            self.assertIn(told, caught.exception.message)
            self.assertEqual(state(self.processor), before)
            self.processor.observe(emotives("e", "f", "g"))
            end()

    def test_sequence(self) -> None:
        """In a sequence they are gathered anew after each learning, be it by itself."""
        sequence = [emotives("e", "f"), emotives("g"), emotives("h")]
        with self.assertRaises(LimitReached) as caught:
            self.processor.observe_sequence(sequence)
        self.assertIn("observations[2].emotives: ", caught.exception.message)
        self.processor.observe_sequence(sequence, learn_after_each=True)
        learns = Processor(
            "p", genes=Genes(max_sequence_length=2, stm_mode="CLEAR"), max_gathered=3
        )
        event = Observation(strings=("a",), emotives={"e": 1.0, "f": 1.0})
        other = Observation(strings=("b",), emotives={"g": 1.0, "h": 1.0})
        learns.observe_sequence([event, event, other, other])
        self.assertEqual(learns.models, 2)


class LawTests(SynchronousTestCase):
    """Whatever is observed."""

    @given(st.lists(st.lists(OBSERVATION, max_size=5), max_size=8), st.booleans(), st.booleans())
    def test_limits(self, sequences: list[list[Observation]], learns: bool, auto: bool) -> None:
        """No more is held than may be; what is refused changes nothing; and a sequence is refused
        where one of its observations would be, made one by one."""
        genes = Genes(max_sequence_length=2 if auto else 0)
        limits: Any = {"genes": genes, "max_vectors": 5, "max_gathered": 4}
        whole, single = Processor("w", **limits), Processor("s", **limits)
        for sequence in sequences:
            before = state(whole)
            fits = True
            try:
                whole.observe_sequence(sequence, learn_after_each=learns)
            except LimitReached:
                fits = False
                self.assertEqual(state(whole), before)
            self.assertLessEqual(whole.vectors_held, 5)
            self.assertLessEqual(len(whole.emotives), 4)
            fitted = True
            with contextlib.suppress(LimitReached):
                fitted = False
                for each in sequence:
                    single.observe(each)
                    if learns:
                        single.learn()
                fitted = True
            self.assertEqual(fits, fitted)
            if not fits:
                return
            self.assertEqual(state(whole), state(single))
