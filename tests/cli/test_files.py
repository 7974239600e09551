"""Files that are loaded: what they say, and what is sent of it together."""

import tempfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import accumulate
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.cli.batches import HEAVIEST, LONGEST, Batch, batches
from kato.cli.exits import Trouble
from kato.cli.items import Bad, End, Entry, Item, Seen, ended_every, entries_of
from kato.cli.json_lines import json_items
from kato.cli.notes import Note, NoteBook
from kato.cli.source_files import Source, opened
from kato.cli.tables import Columns, table_items
from kato.client import Observation


def seen(line: int, *strings: str, **emotives: float) -> Seen:
    return Seen(line, Observation(list(strings), emotives=emotives))


def from_json(text: str) -> list[Item]:
    return list(json_items(BytesIO(text.encode("utf-8", "surrogateescape"))))


def from_table(text: str, columns: Columns | None = None) -> list[Item]:
    return list(table_items(BytesIO(text.encode("utf-8", "surrogateescape")), columns or Columns()))


class JsonTests(SynchronousTestCase):
    """An observation a line."""

    def test_lines(self) -> None:
        """A line is an observation, or its strings; an empty one, or C{learn}, ends a sequence."""
        text = '\ufeff{"strings": ["a"], "emotives": {"joy": 1}}\r\n["b"]\n\n["c"]\n{"learn": true}'
        self.assertEqual(
            from_json(text),
            [Seen(1, Observation(["a"], [], {"joy": 1})), seen(2, "b"), End(), seen(4, "c"), End()],
        )

    def test_bad(self) -> None:
        """A bad line is known by its number, and those after it are read."""
        [bad, good, worse] = from_json('["a", 1]\n["b"]\n{"learn": false}')
        self.assertEqual(bad, Bad(1, "strings[1]: expected a string, got 1"))
        self.assertEqual(good, seen(2, "b"))
        self.assertEqual((type(worse), getattr(worse, "line", 0)), (Bad, 3))

    def test_bytes(self) -> None:
        """What is no UTF-8 is bad."""
        self.assertEqual(from_json('["a"]\n["\udcff"]')[1], Bad(2, "not UTF-8 at byte 3"))


class TableTests(SynchronousTestCase):
    """An event a row."""

    text = "day,sky,felt\n1,sun,0.5\n1,,\n2,rain,-1\n"

    def test_all(self) -> None:
        """Every column is a symbol with its name, empty cells are none."""
        self.assertEqual(
            from_table(self.text),
            [
                seen(2, "day=1", "sky=sun", "felt=0.5"),
                seen(3, "day=1"),
                seen(4, "day=2", "sky=rain", "felt=-1"),
            ],
        )

    def test_columns(self) -> None:
        """Columns of emotives and the one that ends sequences are no symbols, unless named."""
        rest = Columns(emotives=["felt"], learn="day")
        self.assertEqual(
            from_table(self.text, rest),
            [seen(2, "sky=sun", felt=0.5), seen(3), End(), seen(4, "sky=rain", felt=-1.0)],
        )
        chosen = Columns(["day"], learn="day")
        self.assertEqual(
            from_table(self.text, chosen),
            [seen(2, "day=1"), seen(3, "day=1"), End(), seen(4, "day=2")],
        )

    def test_quotes(self) -> None:
        """A cell may have commas and lines; a row is known by its first line."""
        self.assertEqual(
            from_table('a,b\n"1,\n2",3\n\n4,5\n'),
            [seen(2, "a=1,\n2", "b=3"), seen(5, "a=4", "b=5")],
        )

    def test_bad_rows(self) -> None:
        """A row with too few cells, or with an emotive that is no number, is bad."""
        self.assertEqual(
            from_table("a,joy\n1\n2,x\n3,1\n", Columns(emotives=["joy"])),
            [
                Bad(2, "expected 2 cells, got 1"),
                Bad(3, "joy: expected a number, got 'x'"),
                seen(4, "a=3", joy=1.0),
            ],
        )

    def test_bad_titles(self) -> None:
        """Columns that are not there, or stand twice, are told once."""
        for text, columns, why in (
            ("a,b\n1,2\n", Columns(["c"]), "there is no column 'c' among a, b"),
            ("a,b\n1,2\n", Columns(learn="c"), "there is no column 'c' among a, b"),
            ("a,a\n1,2\n", Columns(), "a column stands twice in a, a"),
            ("", Columns(), "the first row names the columns, and there is none"),
        ):
            self.assertEqual(from_table(text, columns), [Bad(1, why)])

    def test_broken(self) -> None:
        """Where quotes do not end, or bytes are no text, reading ends."""
        [good, bad] = from_table('a\n1\n"2\n3\n')
        self.assertEqual((good, type(bad), getattr(bad, "line", 0)), (seen(2, "a=1"), Bad, 3))
        self.assertEqual(from_table("a\n\udcff\n1\n"), [Bad(2, "not UTF-8 at byte 1")])


class SequenceTests(SynchronousTestCase):
    """When something is learned."""

    def learned(self, items: Sequence[Item], *, at_end: bool = False) -> list[bool]:
        return [
            each.learn for each in entries_of(items, learn_at_end=at_end) if isinstance(each, Entry)
        ]

    def test_ends(self) -> None:
        """Something is learned after the last observation of a sequence, if there is one."""
        items: list[Item] = [End(), seen(1), End(), End(), seen(3), seen(4)]
        self.assertEqual(self.learned(items), [True, False, False])
        self.assertEqual(self.learned(items, at_end=True), [True, False, True])
        self.assertEqual(self.learned([], at_end=True), [])

    def test_bad(self) -> None:
        """Bad lines are passed on."""
        bad = Bad(2, "why")
        self.assertIn(bad, list(entries_of([seen(1), bad], learn_at_end=False)))

    def test_every(self) -> None:
        """A sequence ends after so many observations, or before."""
        items: list[Item] = [seen(1), seen(2), seen(3), End(), seen(4), seen(5), seen(6)]
        self.assertEqual(
            self.learned(list(ended_every(items, 2))), [False, True, True, False, True, False]
        )
        self.assertEqual(list(ended_every(items, None)), items)


def entries(learn: Sequence[bool]) -> list[Entry]:
    return [Entry(i, Observation([str(i)]), each) for i, each in enumerate(learn, 1)]


def deeds(sent: Sequence[Batch]) -> Iterator[str]:
    """What a server does for batches, one after the other."""
    for batch in sent:
        for each in batch.observations("load"):
            yield each.strings[0]
            if batch.learn_after_each:
                yield "learn"
        if batch.learn_at_end:
            yield "learn"


LEARN = st.lists(st.booleans(), max_size=40)


class BatchTests(SynchronousTestCase):
    """What is sent together."""

    def ends(self, learn: Sequence[bool]) -> list[int]:
        return [batch.lines[1] for batch in batches(entries(learn))]

    def test_ends(self) -> None:
        """A sequence is sent together; sequences of one observation are, too."""
        self.assertEqual(self.ends([False, False, True, False, True]), [3, 5])
        self.assertEqual(self.ends([True, True, True, False, False]), [3, 5])

    def test_long(self) -> None:
        """No more is sent together than is good for both."""
        self.assertEqual(self.ends([False] * (LONGEST + 1)), [LONGEST, LONGEST + 1])
        heavy = [Entry(i, Observation(["a" * HEAVIEST])) for i in (1, 2)]
        self.assertEqual([len(each.entries) for each in batches(heavy)], [1, 1])

    @given(LEARN)
    def test_same(self, learn: list[bool]) -> None:
        """What is done for batches is what would be done for the entries one by one."""
        plain = [
            deed
            for each in entries(learn)
            for deed in (each.observation.strings[0], *(["learn"] if each.learn else []))
        ]
        self.assertEqual(list(deeds(list(batches(entries(learn))))), plain)

    @given(LEARN)
    def test_resumed(self, learn: list[bool]) -> None:
        """Begun behind any batch, those that follow are the same, under the same ids."""
        whole = list(batches(entries(learn)))
        for i, done in enumerate(accumulate(len(each.entries) for each in whole)):
            left = list(batches(entries(learn), done))
            self.assertEqual(left, whole[i + 1 :])
            ids = [each.request_id("load") for each in whole]
            self.assertEqual([each.request_id("load") for each in left], ids[i + 1 :])

    def test_ids(self) -> None:
        """A batch is known by load and lines, and so is its last observation, unless it has an id
        of its own."""
        own = Observation(["a"], unique_id="mine")
        [batch] = batches([Entry(3, own), Entry(5, Observation(["a"])), Entry(6, own)])
        self.assertEqual(
            [each.unique_id for each in batch.observations("x")], ["mine", None, "mine"]
        )
        self.assertEqual(batch.request_id("x"), "load:x:3-6")
        [batch] = batches(batch.entries[:2])
        self.assertEqual([each.unique_id for each in batch.observations("x")], ["mine", "load:x:5"])
        self.assertEqual(batch.last_id("x"), "load:x:5")


class NoteTests(SynchronousTestCase):
    """How far a load has come."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_kept(self) -> None:
        """A note is found again by what it is about; what is none is not."""
        note = Note("print", done=3, line=7, last="x", model="MODEL|1")
        NoteBook(self.folder, "server", "p1", "file").write(note)
        self.assertEqual(NoteBook(self.folder, "server", "p1", "file").read(), note)
        self.assertIsNone(NoteBook(self.folder, "server", "p2", "file").read())
        [path] = self.folder.iterdir()
        for text in ("{", "[]", '{"done": 1}'):
            path.write_text(text)
            self.assertIsNone(NoteBook(self.folder, "server", "p1", "file").read())

    def test_load(self) -> None:
        """Loads of the same thing in another turn have other ids."""
        self.assertEqual(Note("print").load, Note("print", done=5).load)
        self.assertNotEqual(Note("print").load, Note("print", turn="a").load)
        self.assertNotEqual(Note("print").load, Note("point").load)


class SourceTests(SynchronousTestCase):
    """A file that is gone through twice."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "a.jsonl")

    def read(self, lines: Iterator[bytes]) -> Iterator[Entry | Bad]:
        return entries_of(json_items(lines), learn_at_end=False)

    def test_survey(self) -> None:
        """It is known how much there is before anything is sent."""
        self.path.write_text('["a"]\n\n["b"]\n')
        with opened(str(self.path)) as file:
            source = Source(file, "a", self.read)
            survey = source.survey()
            self.assertEqual(survey.observations, 2)
            self.assertEqual([each.line for each in source.entries()], [1, 3])
            self.assertEqual(survey.digest, source.survey().digest)

    def test_bad(self) -> None:
        """Bad lines are told by their numbers, ten of them, with how many more there are."""
        self.path.write_text('["a"]\n' + "x\n" * 12)
        with opened(str(self.path)) as file:
            trouble = self.assertRaises(Trouble, Source(file, "a", self.read).survey)
        lines = trouble.message.split("\n")
        self.assertEqual(lines[0], "a, line 2: not JSON: Expecting value at character 1")
        self.assertEqual(
            lines[9:], ["a, line 11: not JSON: Expecting value at character 1", lines[-1]]
        )
        self.assertEqual(lines[-1], "and 2 more bad lines")

    def test_changed(self) -> None:
        """A file that changes while it is loaded is not loaded on."""
        self.path.write_text('["a"]\n')
        with opened(str(self.path)) as file:
            source = Source(file, "a", self.read)
            source.survey()
            self.path.write_text('["a"]\n["b"]\n')
            self.assertIn("was changed", self.assertRaises(Trouble, list, source.entries()).message)

    def test_missing(self) -> None:
        """A file that is not there is told."""
        with self.assertRaises(Trouble) as told, opened(str(self.path)):
            self.fail("it is not there")
        self.assertIn("No such file", told.exception.message)
