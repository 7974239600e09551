"""How often forecasts come true: events held against what was foreseen just before them.

That it is so after any history is tested against a plain reading (L{tests.engine.test_plain}).
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato import accuracy
from kato.accuracy import Accuracy, Counts, mark_of
from kato.engine import Observation, Processor
from tests.source import ROOT

MARKS = st.text(st.sampled_from("15x-"), max_size=30)


def observe(processor: Processor, *events: str) -> None:
    for event in events:
        processor.observe(Observation(strings=(event,)))


def told(processor: Processor) -> Counts:
    """Events, how many had a forecast, how many were its first entry, and one of its first five."""
    assert processor.accuracy is not None
    return processor.accuracy.total


class MarkTests(SynchronousTestCase):
    """One event and one forecast."""

    def mark(self, event: str, *expected: str) -> str:
        forecast: list[dict[str, Any]] = [{"event": list(each)} for each in expected]
        return mark_of(tuple(event), forecast)

    def test_marks(self) -> None:
        """An event is right at once, among the first five, wrong, or unforeseen; only the whole
        event counts, with its repeats."""
        self.assertEqual(self.mark("a", "a", "b"), "1")
        self.assertEqual([self.mark("e", *"abcde"), self.mark("f", *"abcdef")], ["5", "x"])
        self.assertEqual(self.mark("a"), "-")
        self.assertEqual([self.mark("ab", "ab"), self.mark("ab", "abb", "a")], ["1", "x"])

    @given(MARKS)
    def test_counts(self, marks: str) -> None:
        """All are counted, and the latest beside; what is stored is read back as it was."""
        self.patch(accuracy, "RECENT", 7)
        counted = Accuracy()
        for mark in marks:
            counted = counted.marked(mark)
        latest = marks[-7:]
        self.assertEqual(
            counted.as_dict(),
            {**Counts.of(marks)._asdict(), "recent": Counts.of(latest)._asdict()},
        )
        self.assertEqual(counted.total.top_5, marks.count("1") + marks.count("5"))
        self.assertEqual(Accuracy.restored(counted.stored()), counted)

    @given(MARKS, st.sampled_from(Counts._fields), st.sampled_from([-1, 1]))
    def test_impossible(self, marks: str, field: str, more: int) -> None:
        """Counts that no events make are refused, and so are marks that nothing has."""
        stored = Accuracy(Counts.of(marks), marks).stored()
        wrong = {**stored, field: stored[field] + more}
        with self.assertRaises(ValueError):
            Accuracy.restored({**wrong, "marks": marks + "?"})
        if more < 0 or field == "events":
            with self.assertRaises(ValueError):
                Accuracy.restored(wrong)


class TrackingTests(SynchronousTestCase):
    """What of a processor's life is counted."""

    def setUp(self) -> None:
        self.processor = Processor("p")
        self.processor.change_genes({"track_accuracy": True, "min_prediction_symbols": 1})

    def test_off(self) -> None:
        """Without the gene nothing is counted, and there is nothing to tell."""
        processor = Processor("p")
        observe(processor, "a", "b")
        self.assertIsNone(processor.accuracy)
        processor.change_genes({"track_accuracy": True})
        self.assertEqual(told(processor), (0, 0, 0, 0))

    def test_counts(self) -> None:
        """Each event is held against the forecast just before it."""
        observe(self.processor, "a", "b", "c")
        self.assertEqual(told(self.processor), (3, 0, 0, 0))
        self.processor.learn()
        observe(self.processor, "a", "b", "c")
        self.assertEqual(told(self.processor), (6, 2, 2, 2))
        self.processor.learn()
        observe(self.processor, "a", "x")
        self.assertEqual(told(self.processor), (8, 3, 2, 2))

    def test_among_five(self) -> None:
        """What is expected less than something else is right among five only."""
        for events in ("ab", "ab", "ac"):
            observe(self.processor, *events)
            self.processor.learn()
        before = told(self.processor)
        observe(self.processor, "a", "c")
        after = told(self.processor)
        self.assertEqual([b - a for a, b in zip(before, after, strict=True)], [2, 1, 0, 1])

    def test_switched(self) -> None:
        """Turned off, what was counted stays, and it goes on when it is turned on again."""
        observe(self.processor, "a")
        self.processor.change_genes({"track_accuracy": False})
        observe(self.processor, "b")
        self.assertEqual(told(self.processor), (1, 0, 0, 0))
        self.processor.change_genes({"track_accuracy": True})
        observe(self.processor, "c")
        self.assertEqual(told(self.processor), (2, 0, 0, 0))

    def test_not_counted(self) -> None:
        """An observation without an event, one that is repeated, and clearing short-term memory
        count nothing; clearing all memory forgets what was counted."""
        self.processor.observe(Observation(emotives={"joy": 1.0}))
        for _ in range(2):
            self.processor.observe(Observation(strings=("a",), unique_id="u"))
        self.processor.clear_short_term_memory()
        self.assertEqual(told(self.processor), (1, 0, 0, 0))
        self.processor.clear_all_memory()
        self.assertEqual(told(self.processor), (0, 0, 0, 0))

    def test_vectors(self) -> None:
        """A vector is held against the forecast by the symbols that it becomes."""
        self.processor.change_genes({"vector_neighbors": 0})
        for _ in range(2):
            for component in (1.0, 2.0):
                self.processor.observe(Observation(vectors=((component,),)))
            self.processor.learn()
        self.assertEqual(told(self.processor), (4, 1, 1, 1))

    def test_learning_by_itself(self) -> None:
        """The forecast just before an event is that of the memory which an automatic learning
        before it left."""
        self.processor.change_genes({"max_sequence_length": 2, "stm_mode": "TAIL"})
        observe(self.processor, "a", "b", "a", "b")
        self.assertEqual(told(self.processor), (4, 1, 1, 1))


class PageTests(SynchronousTestCase):
    """C{docs/accuracy.md}."""

    def test_nothing_is_missing(self) -> None:
        """Each count has its row, and each mark is named."""
        page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
        for field in Counts._fields:
            self.assertIn(f"| `{field}` |", page)
            self.assertIn(f'"{field}":', page)
        for mark in "15x-":
            self.assertIn(f"`{mark}` ", page)
