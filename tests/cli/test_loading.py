"""Files that are loaded into a server: whole, and after interruptions."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kato.cli.items import Bad, Entry, entries_of
from kato.cli.json_lines import json_items
from kato.cli.loading import Load
from kato.cli.notes import Note
from kato.cli.source_files import Source, opened
from kato.client import Client
from tests.cli.running import KEY, ProgramCase

ROWS = [["a", "b"], ["c"], None, ["a"], ["d"], ["e"], None, ["f"], None, ["g"], None, ["h"]]
"""Observations, and where something is learned."""


class Killed(Exception):
    """The program ends here."""


def written(rows: list[list[str] | None]) -> str:
    return "".join("\n" if each is None else json.dumps(each) + "\n" for each in rows)


def sequences(number: int) -> str:
    """Sequences that are all different, and each known twice."""
    rows: list[list[str] | None] = []
    for i in range(number):
        rows += [[f"s{i // 2}"], [f"t{i % 7}"], ["end", f"u{i // 4}"], None]
    return written(rows)


class LoadCase(ProgramCase):
    """Loads files."""

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def memory(self, processor: str) -> Mapping[str, Any]:
        """All that a processor knows: its models, and short-term memory."""
        with Client(self.env["KATO_URL"], key=KEY) as client:
            asked = client.processor(processor)
            names = [each.name for each in asked.models(10_000).entries]
            models = {name: asked.model(name) for name in names}
            return {**models, "": asked.short_term_memory()}


class LoadTests(LoadCase):
    """Whole files."""

    def test_json(self) -> None:
        """What a file says is observed and learned, in its order."""
        said = self.ran("load", "p1", self.file("a.jsonl", written(ROWS)))
        self.assertEqual(said.exit_code, 0, said.output)
        self.assertTrue(said.stderr.endswith("a.jsonl: observed 8, learned 2 times\n"), said.stderr)
        for row in ROWS:
            words = ["learn", "p2"] if row is None else ["observe", "p2", *row]
            self.okay(*words)
        self.assertEqual(self.memory("p1"), self.memory("p2"))

    def test_table(self) -> None:
        """Rows are observed, and learned where a column changes."""
        path = self.file("a.csv", "day,sky,joy\n1,sun,1\n1,rain,0.5\n2,sun,0\n2,fog,0\n")
        options = ["--learn-column", "day", "--emotive-columns", "joy", "--json"]
        told = json.loads(self.okay("load", "p1", path, *options))
        self.assertEqual((told["observed"], told["learned"], told["after_line"]), (4, 2, 0))
        models = [each for each in self.memory("p1").values() if each]
        self.assertEqual(
            sorted(list(each.sequence) for each in models),
            [[["sky=sun"], ["sky=fog"]], [["sky=sun"], ["sky=rain"]]],
        )
        self.assertIn({"joy": 0.75}, [emotives for each in models for emotives in each.emotives])

    def test_standard_input(self) -> None:
        """C{-} is standard input; how it is to be read may be said."""
        self.okay("load", "p1", "-", "--learn-every", "2", given=written([["a"], ["b"], ["c"]]))
        self.okay("load", "p2", "-", "--learn-at-end", given=written([["a"], ["b"]]))
        self.okay(
            "load",
            "p3",
            "-",
            "--format",
            "csv",
            given="x\n1\n",
        )
        self.assertEqual(len(self.memory("p1")), 2)
        self.assertEqual(len(self.memory("p2")), 2)
        self.assertEqual(self.memory("p3"), {"": [["x=1"]]})

    def test_bad(self) -> None:
        """A file with bad lines is not begun; what else cannot be loaded is told, too."""
        path = self.file("a.jsonl", '["a"]\n["b", 1]\n')
        said = self.refused(2, "load", "p1", path)
        self.assertEqual(said, f"kato: {path}, line 2: strings[1]: expected a string, got 1\n")
        self.assertIn("cannot read", self.refused(2, "load", "p1", str(self.folder / "b.csv")))
        self.assertIn("--format", self.refused(2, "load", "p1", str(self.folder / "b.txt")))
        self.assertIn("FILE is no csv", self.refused(2, "load", "p1", path, "--learn-column", "a"))
        self.assertIn("PROCESSOR_NOT_FOUND", self.refused(1, "ping", "p1"))

    def test_refused(self) -> None:
        """What the server refuses is told by its line; what came before it is done, and the same
        command goes on there."""
        rows = [["a"], ["b"], None, ["c"], ["d"]]
        path = self.file("a.jsonl", written(rows) + '{"unique_id": "used"}\n')
        self.okay("observe", "p1", "x", "--unique-id", "used")
        self.okay("clear", "p1")
        said = self.refused(1, "load", "p1", path)
        self.assertIn("the load stopped after line 2; the same command goes on there", said)
        self.assertIn("kato: CONFLICT: line", said)
        self.assertEqual(self.memory("p1")[""], [])
        self.assertIn("line", self.refused(1, "load", "p1", path))

    def test_no_notes(self) -> None:
        """Where no notes can be kept it is said, and loaded all the same."""
        path = self.file("a.jsonl", written(ROWS))
        said = self.ran("load", "p1", path, env={"XDG_CACHE_HOME": path})
        self.assertIn("cannot note how far it comes", said.stderr)
        self.assertEqual(said.exit_code, 0)
        self.assertEqual(len(self.memory("p1")), 3)


class AgainTests(LoadCase):
    """Files that were loaded before."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.file("a.jsonl", written(ROWS))
        self.okay("load", "p1", self.path)
        self.known = self.memory("p1")

    def frequencies(self) -> set[int]:
        return {each.frequency for name, each in self.memory("p1").items() if name}

    def test_loaded(self) -> None:
        """What was loaded is not loaded twice, unless that is asked for."""
        self.assertIn("was loaded already", self.ran("load", "p1", self.path).stderr)
        self.assertEqual(self.memory("p1"), self.known)
        self.okay("clear", "p1")
        self.okay("load", "p1", self.path, "--again")
        self.assertEqual(self.frequencies(), {2})

    def test_lost_note(self) -> None:
        """Without its notes, too: the server knows what it was told."""
        self.env["XDG_CACHE_HOME"] = str(self.folder / "other")
        told = json.loads(self.okay("load", "p1", self.path, "--json"))
        self.assertEqual(told["after_line"], 0)
        self.assertEqual(self.memory("p1"), self.known)

    def test_forgotten(self) -> None:
        """What was forgotten since is not taken for loaded, with and without notes."""
        self.okay("forget", "p1", "--yes")
        self.assertIn("has forgotten", self.refused(1, "load", "p1", self.path))
        self.env["XDG_CACHE_HOME"] = str(self.folder / "other")
        self.assertIn("has forgotten", self.refused(1, "load", "p1", self.path))
        self.okay("load", "p1", self.path, "--again")
        self.assertEqual(self.memory("p1"), self.known)

    def test_deleted(self) -> None:
        """Into a processor that was deleted since, it is loaded from the beginning."""
        self.okay("delete", "p1", "--yes")
        self.okay("load", "p1", self.path)
        self.assertEqual(self.memory("p1"), self.known)

    def test_grown(self) -> None:
        """A file that has grown, or is to be read otherwise, is not loaded once more by itself:
        nothing is done, and it is said what can be."""
        self.file("a.jsonl", written([*ROWS, None, ["x"], ["y"], None]))
        for words in (["load", "p1", self.path], ["load", "p1", self.path, "--learn-every", "2"]):
            said = self.refused(1, *words)
            self.assertIn("a.jsonl was loaded to its end, and it", said)
            self.assertIn("--again", said)
        self.assertEqual(self.memory("p1"), self.known)
        self.okay("clear", "p1")
        self.okay("load", "p1", self.path, "--again")
        self.assertEqual(len(self.memory("p1")), len(self.known) + 1)

    def test_standard_input(self) -> None:
        """What is added is loaded by standard input, whose content is its name."""
        added = written([["x"], ["y"], None])
        self.okay("clear", "p1")
        self.okay("load", "p1", "-", given=added)
        self.okay("load", "p1", "-", given=written([["v"], ["w"], None]))
        self.assertEqual(len(self.memory("p1")), len(self.known) + 2)
        self.assertIn("was loaded already", self.ran("load", "p1", "-", given=added).stderr)

    def test_deleted_and_other(self) -> None:
        """Into a processor that was deleted since, another file of the name is loaded, too."""
        self.file("a.jsonl", written([["x"], ["y"], None]))
        self.okay("delete", "p1", "--yes")
        self.okay("load", "p1", self.path, "--learn-every", "2")
        self.assertEqual(len(self.memory("p1")), 2)

    def test_empty(self) -> None:
        """Of an empty file nothing was loaded: what it has become is loaded."""
        path = self.file("b.jsonl", "")
        self.okay("load", "p2", path)
        self.file("b.jsonl", written(ROWS))
        self.okay("load", "p2", path)
        self.assertEqual(self.memory("p2"), self.known)


class InterruptedTests(LoadCase):
    """Loads that ended in the middle."""

    def test_everywhere(self) -> None:
        """Ended between any answer and its note, a load goes on as if nothing had been."""
        path = self.file("a.jsonl", written(ROWS))
        self.okay("load", "p", path)
        whole = self.memory("p")
        with Client(self.env["KATO_URL"], key=KEY) as client, opened(path) as file:
            source = Source(file, path, read)
            for answers in range(1, 5):
                processor = client.processor(f"p{answers}")
                notes = Notes(answers)
                load = Load(processor, source, Note("print"), keep=notes.keep, told=nothing)
                self.assertRaises(Killed, load.run)
                self.assertLess(notes.kept[-1].done, 8)
                load = Load(processor, source, notes.kept[-1], keep=nothing, told=nothing)
                load.run()
                self.assertTrue(load.note.finished)
                self.assertEqual(self.memory(processor.id), whole)

    def test_killed(self) -> None:
        """A load that is killed goes on where it was, and knows in the end what one knows that was
        not."""
        path = self.file("a.jsonl", sequences(400))
        self.okay("load", "p2", path, "-q")
        with self.process("load", "p1", path) as process, self.client() as client:
            client.processor("p1").create()
            while client.processor("p1").status().models < 20:
                self.assertIsNone(process.poll(), "it was to be killed before its end")
            process.kill()
        self.assertLess(len(self.memory("p1")), 390)
        told = json.loads(self.okay("load", "p1", path, "--json"))
        self.assertGreater(told["after_line"], 40)
        self.assertLess(told["learned"], 390)
        self.assertEqual(self.memory("p1"), self.memory("p2"))

    def test_changed(self) -> None:
        """What changed since it was interrupted is not gone on with, but loaded anew if asked for;
        neither is it where the server does not remember."""
        path = self.interrupted()
        text = Path(path).read_text(encoding="utf-8")
        self.file("a.jsonl", text + "\n")
        said = self.refused(1, "load", "p1", path)
        self.assertIn("was loaded as far as line 2, and it", said)
        self.file("a.jsonl", text)
        self.assertIn("not the same", self.refused(1, "load", "p1", path, "--learn-at-end"))
        self.okay("delete", "p1", "-y")
        self.okay("observe", "p1", "a", "b", "-q")
        self.assertIn("not the same", self.refused(1, "load", "p1", path, "--learn-at-end"))
        self.assertIn("has forgotten", self.refused(1, "load", "p1", path))
        self.okay("observe", "p1", "c", "-q")
        self.okay("learn", "p1")
        with self.client() as client:
            client.processor("p1").clear_short_term_memory()
            client.processor("p1").observe_sequence([["a", "b"], ["c"]], learn_at_end=True)
        self.assertIn("does not remember line 2", self.refused(1, "load", "p1", path))

    def test_wrong_options(self) -> None:
        """What was begun with the wrong options is begun again once the processor is deleted."""
        path = self.interrupted()
        self.file("a.jsonl", written([["a", "b"], ["c"], None, ["d"]]))
        self.refused(1, "load", "p1", path, "--learn-every", "1")
        self.okay("delete", "p1", "-y")
        said = self.ran("load", "p1", path, "--learn-every", "1")
        self.assertEqual((said.exit_code, said.stdout), (0, ""), said.output)
        self.assertIn("observed 3, learned 1 time\n", said.stderr)

    def test_again(self) -> None:
        """A load that began anew, and stopped, goes on if it is not said again."""
        path = self.interrupted()
        self.okay("clear", "p1")
        said = self.refused(1, "load", "p1", path, "--again")
        self.assertIn("the same command, without --again, goes on there", said)
        told = self.refused(1, "load", "p1", path)
        self.assertIn("the same command goes on there", told)
        self.assertEqual({each.frequency for name, each in self.memory("p1").items() if name}, {2})

    def interrupted(self) -> str:
        """A file whose load into C{p1} was refused after its second line."""
        self.okay("observe", "p1", "x", "--unique-id", "used")
        self.okay("clear", "p1")
        rows = written([["a", "b"], ["c"], None, ["d"]])
        path = self.file("a.jsonl", rows + '{"unique_id": "used"}\n')
        self.refused(1, "load", "p1", path)
        return path

    def client(self) -> Client:
        return Client(self.env["KATO_URL"], key=KEY)


class Notes:
    """Keeps notes until the program is killed: before the one that follows an answer."""

    def __init__(self, answers: int) -> None:
        self._answers = answers
        self.kept: list[Note] = []

    def keep(self, note: Note) -> None:
        if len(self.kept) == self._answers:
            raise Killed
        self.kept.append(note)


def nothing(what: object) -> None:
    """Is told in vain."""


def read(lines: Iterator[bytes]) -> Iterator[Entry | Bad]:
    return entries_of(json_items(lines), learn_at_end=False)
