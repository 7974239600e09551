"""Files of processors: what is written is read, and what is not as it was written is refused."""

import json
from hashlib import sha256
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import Changes, Deletion, Gathered, Percept, State, Window
from kato.errors import InvalidRequest
from kato.moving.notation import model_line, processor_line, read_model, read_processor
from kato.moving.surveying import survey
from kato.moving.trouble import Damaged
from kato.moving.writing import fingerprint
from tests.moving.files import all_of, exported, found, imported, now, resealed, stored, untold
from tests.storage.samples import COMMITS, answer, changes, everything, model


class FileCase(SynchronousTestCase):
    """A folder for files."""

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.path = folder / "file"

    def assertExactly(self, given: object, expected: object) -> None:
        """Equal, and printed alike, which tells -0.0 from 0.0, and 1 from 1.0 and true."""
        self.assertEqual(given, expected)
        self.assertEqual(repr(given), repr(expected))


class WrittenTests(FileCase):
    """What is written is read."""

    def test_everything(self) -> None:
        """Every field is read back to the last bit."""
        written, kept = everything()
        exported(stored([written]), self.path)
        store = stored()
        imported(store, self.path)
        self.assertExactly(all_of(store), {"p1": kept})

    def test_law(self) -> None:
        """Whatever a store holds, a file brings all of it into another one."""

        @settings(deadline=None, max_examples=150)
        @given(COMMITS)
        def law(commits: list[Any]) -> None:
            first, second = stored(*commits, [changes("p4")]), stored()
            written = exported(first, self.path)
            self.assertEqual(written.digest, sha256(self.path.read_bytes()).hexdigest())
            imported(second, self.path)
            self.assertExactly(all_of(second), all_of(first))
            deletions = now(first.deletions()), now(second.deletions())
            mine, theirs = ([(e.processor, e.request.key) for e in each] for each in deletions)
            self.assertEqual(set(theirs), set(mine))

        law()

    def test_plain(self) -> None:
        """A person reads what it is: one JSON object a line, which tells by its first key."""
        commit: list[Changes | Deletion] = [
            Deletion("old", answer(0, "r1")),
            changes(models=(model("a"),), observations=(answer(3),)),
        ]
        exported(stored(commit), self.path)
        lines = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(
            [next(iter(line)) for line in lines],
            ["kato", "processor", "observation", "model", "end_of", "deletion", "end"],
        )
        self.assertEqual(lines[3]["sequence"], [["a", "x"], ["y"]])

    def test_sums(self) -> None:
        """Sums of emotives are exact, and as short as they can be."""
        for total, written in (
            (0, "0x0p-1074"),
            (1, "0x1p-1074"),
            (-3 << 1073, "-0x3p-1"),
            ((1 << 2200) + 1, f"0x1{'0' * 549}1p-1074"),
        ):
            state = State("p1", emotives={"joy": Gathered(2, total)})
            line = processor_line("p1", state, Percept())
            self.assertEqual(line["emotives"], {"joy": (2, written)})
            self.assertEqual(read_processor(line), ("p1", state, Percept()))

    def test_same(self) -> None:
        """The same processors make the same file."""
        written, _ = everything()
        files = [exported(stored([written]), self.path).digest for _ in range(2)]
        self.assertEqual(*files)

    def test_told(self) -> None:
        """Who watches is told of every line that is written, and every byte that is read."""
        written, _ = everything()
        exported(stored([written, changes("p2")]), self.path)
        told: list[int] = []
        survey(self.path, told=told.append)
        self.assertEqual(sum(told), self.path.stat().st_size)

    def test_fingerprint(self) -> None:
        """A fingerprint does not hang on the order of models, and on everything else it does."""
        models = (model("a"), model("b"))
        prints = [
            now(stored([changes(**each)]).load("p1", fingerprint))
            for each in (
                {"models": models},
                {"models": models[::-1]},
                {"models": models[:1]},
                {"models": (model("a"), model("b", 2))},
                {"models": models, "observations": (answer(0),)},
                {"models": models, "requests": (answer(0),)},
            )
        ]
        self.assertEqual(prints[0], prints[1])
        self.assertEqual(len(set(prints)), 5)


class DamagedTests(FileCase):
    """A file that is not as it was written is refused, with the first line that is wrong."""

    def setUp(self) -> None:
        super().setUp()
        written, _ = everything()
        commits: list[Changes | Deletion] = [
            Deletion("p2", answer(0, "r1")),
            written,
            changes("p2", models=tuple(map(model, "abc")), events=written.events),
        ]
        exported(stored(commits), self.path)
        self.whole = self.path.read_bytes()
        self.lines = list(BytesIO(self.whole))

    def assertRefused(self, damaged: bytes) -> str:
        """It names the first line that differs from what was written."""
        pairs = zip_longest(BytesIO(damaged), self.lines)
        first = next(number for number, (a, b) in enumerate(pairs, start=1) if a != b)
        return self.assertWrong(damaged, first)

    def assertWrong(self, damaged: bytes, number: int) -> str:
        self.path.write_bytes(damaged)
        with self.assertRaises(Damaged) as caught:
            found(self.path)
        told = str(caught.exception)
        self.assertNotIn("\n", told)
        self.assertTrue(told.startswith(f"{self.path}, line {number}: "), told)
        return told

    def test_whole(self) -> None:
        """It is taken as it was written."""
        self.assertEqual(list(found(self.path).sections), ["p1", "p2"])

    def test_altered(self) -> None:
        """Any other byte at any place is noticed."""
        places = st.integers(0, len(self.whole) - 1)

        @settings(deadline=None, max_examples=300)
        @given(places, st.integers(1, 255))
        def law(place: int, change: int) -> None:
            damaged = bytearray(self.whole)
            damaged[place] ^= change
            self.assertRefused(bytes(damaged))

        law()

    def test_truncated(self) -> None:
        """A file that ends anywhere before its end is refused."""
        for size in range(0, len(self.whole), 7):
            self.assertRefused(self.whole[:size])
        self.assertIn("cut off", self.assertRefused(self.whole[:-1]))
        self.assertIn("cut off", self.assertRefused(b"".join(self.lines[:-1])))

    def test_lines(self) -> None:
        """Lines that are missing, there twice, or in another order are noticed."""
        for number in range(len(self.lines)):
            before, line, after = (
                self.lines[:number],
                self.lines[number],
                self.lines[number + 1 :],
            )
            self.assertRefused(b"".join([*before, *after]))
            self.assertRefused(b"".join([*before, line, line, *after]))
            if after:
                self.assertRefused(b"".join([*before, after[0], line, *after[1:]]))

    def test_added(self) -> None:
        """Nothing may follow the end, another file least of all."""
        for more in (b"x", b"\n", self.whole, self.lines[-1]):
            told = self.assertWrong(self.whole + more, len(self.lines) + 1)
            self.assertIn("after the end", told)

    def test_other_files(self) -> None:
        """What is no export at all is told as such."""
        for other in (b"", b"{}\n", b"SQLite format 3\0", b'{"kato":"export","version":"1"}'):
            self.assertIn("no export of KATO's", self.assertWrong(other, 1))

    def test_newer(self) -> None:
        """What a newer program wrote is told as such."""
        newer = self.whole.replace(b'"version":1', b'"version":2', 1)
        self.assertIn("a newer program made it", self.assertWrong(newer, 1))

    def assertMeaningless(self, number: int, why: str, change: dict[str, Any]) -> None:
        """Lines that mean nothing are refused, also where all checksums are right."""
        lines = [json.loads(line) for line in self.lines]
        for each in lines:
            del each["crc"]
        lines[number - 1] = {
            key: value for key, value in {**lines[number - 1], **change}.items() if value != "gone"
        }
        self.assertIn(why, self.assertWrong(resealed(lines), number))

    def number(self, kind: str, nth: int = 0) -> int:
        """Where the nth line of a kind stands."""
        kinds = [next(iter(json.loads(line))) for line in self.lines]
        return [place for place, each in enumerate(kinds, start=1) if each == kind][nth]

    def test_meaningless(self) -> None:
        """Each field is judged."""
        model, event = self.number("model"), self.number("event")
        counts = {"events": 2, "forecast": 1, "top_1": 1, "top_5": 1}
        for number, why, change in (
            (model, "frequency: expected a whole number", {"frequency": "1"}),
            (model, "frequency: expected a whole number", {"frequency": True}),
            (model, "frequency: not given", {"frequency": "gone"}),
            (model, "mood: unknown key", {"mood": 1}),
            (model, "sequence: expected a string", {"sequence": [[1]]}),
            (model, "sequence: expected a list", {"sequence": ["ab"]}),
            (model, "emotives.joy: expected a number", {"emotives": [{"joy": "much"}]}),
            (event, "number: expected a whole number", {"number": -1}),
            (self.number("vector"), "components[0]: expected a", {"components": [None]}),
            (self.number("observation"), "stm: expected two entries", {"stm": [1]}),
            (self.number("request"), "fields: expected an object", {"fields": []}),
            (self.number("deletion"), "processor", {"deletion": "/"}),
            (2, "genes.rank_by: expected one of", {"genes": {"rank_by": "luck"}}),
            (2, "emotives.joy: expected a hex", {"emotives": {"joy": [1, "1.5"]}}),
            (2, "emotives.joy: expected a hex", {"emotives": {"joy": [1, "0x1p-1075"]}}),
            (2, "observation.strings: expected a list", {"observation": {"strings": 1}}),
            (2, "processor", {"processor": "../etc"}),
            (2, "accuracy.mood: unknown key", {"accuracy": {"mood": 1}}),
            (2, "accuracy: 'events'", {"accuracy": {"marks": ""}}),
            (2, "accuracy: no events make", {"accuracy": {**counts, "marks": "1"}}),
            (self.number("end_of"), "models: it says 9", {"models": 9}),
            (self.number("end_of"), "fingerprint: it says", {"fingerprint": "0"}),
            (self.number("end"), "deletions: it says 7", {"deletions": 7}),
            (self.number("end"), "sha256: it says", {"sha256": "0"}),
        ):
            self.assertMeaningless(number, why, change)

    def test_no_text(self) -> None:
        """What is no text in any alphabet is refused, too, wherever it stands."""
        line = model_line(model("a"))
        for change in (
            {"model": "\ud800"},
            {"sequence": [["\ud800"]]},
            {"emotives": [{"\ud800": 1}]},
        ):
            with self.assertRaisesRegex(InvalidRequest, "not valid Unicode"):
                read_model({**line, **change})

    def test_order(self) -> None:
        """Lines stand in the order of the format, each processor once."""
        lines = [json.loads(line) for line in self.lines]
        for each in lines:
            del each["crc"]
        first, second = self.number("processor") - 1, self.number("processor", 1) - 1
        model, event = self.number("model") - 1, self.number("event") - 1
        end = self.number("deletion") - 1
        self.assertWrong(resealed([*lines[:second], *lines[first:]]), second * 2 - first)
        self.assertWrong(resealed([*lines[: model + 1], lines[event]]), model + 2)
        self.assertWrong(resealed([lines[0], lines[end], *lines[first:]]), 3)
        self.assertWrong(resealed([lines[0], lines[model]]), 2)
        self.assertWrong(resealed([lines[0], {"mystery": 1}]), 2)

    def test_window(self) -> None:
        """What has no answer window keeps none."""
        self.path.write_bytes(self.whole)
        store = stored()
        imported(store, self.path)
        requests = all_of(store)["p1"].requests
        self.assertEqual([each.window for each in requests], [None, Window(0, 0)])


class NotAsFoundTests(FileCase):
    """A file that is altered while it is imported."""

    def test_altered_later(self) -> None:
        """Nothing is kept of a processor whose lines are not any more as they were found."""
        exported(stored([changes(models=tuple(map(model, "abc")))]), self.path)
        section = found(self.path).sections["p1"]
        written = section.changes(untold)
        self.assertIn(model("a"), written.models)
        self.assertEqual(len(written.models), 3)
        altered = self.path.read_bytes().replace(b'["b","x"]', b'["c","x"]')
        self.path.write_bytes(altered)
        store = stored()
        with self.assertRaisesRegex(Damaged, "line 4: its checksum is wrong"):
            now(store.commit([written]))
        self.assertEqual(all_of(store), {})
