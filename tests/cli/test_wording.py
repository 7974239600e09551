"""How values are written, and tables printed."""

from difflib import SequenceMatcher
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.cli.alignment import Place, aligned, places
from kato.cli.output import Column, Output
from kato.cli.wording import Wording
from tests.cli.running import terminal

HASH = "4772c243ccf3c216170b3ac980a1d67abc59e4e9"
SHORT, WHOLE = Wording(short=True), Wording(short=False)
SYMBOLS = st.lists(st.sampled_from("abcd"), max_size=12)


class WordingTests(SynchronousTestCase):
    """Values as text."""

    def test_sequence(self) -> None:
        """Symbols stand beside each other, events after each other."""
        self.assertEqual(WHOLE.sequence([["a", "b"], ["c"]]), "a b → c")
        self.assertEqual(WHOLE.sequence([]), "")

    def test_symbol(self) -> None:
        """A symbol that could be taken for something else stands in quotes."""
        self.assertEqual(WHOLE.event(["a b", "", '"', "→", "é"]), r'"a b" "" "\"" "→" é')

    def test_control(self) -> None:
        """Nothing that a symbol holds moves the cursor, colours a terminal or makes a column."""
        self.assertEqual(WHOLE.symbol("\x1b[31m\t\n\x9b"), r'"\u001b[31m\t\n\x9b"')

    @given(st.text())
    def test_printable(self, symbol: str) -> None:
        """A symbol is written in characters that can be printed, and differently than any other."""
        written = WHOLE.symbol(symbol)
        self.assertTrue(written.isprintable())
        if not written.startswith('"'):
            self.assertEqual(written, symbol)

    def test_short(self) -> None:
        """On a terminal hashes and numbers are short."""
        self.assertEqual(SHORT.name(f"MODEL|{HASH}"), "4772c243ccf3")
        self.assertEqual(SHORT.symbol(f"VECTOR|{HASH}"), "VECTOR|4772c243ccf3")
        self.assertEqual(SHORT.number(2 / 3), "0.6667")
        self.assertEqual(SHORT.emotives({"joy": 0.8, "a b": 1}), 'joy=0.8 "a b"=1')

    def test_whole(self) -> None:
        """Elsewhere they are whole."""
        self.assertEqual(WHOLE.name(f"MODEL|{HASH}"), f"MODEL|{HASH}")
        self.assertEqual(WHOLE.symbol(f"VECTOR|{HASH}"), f"VECTOR|{HASH}")
        self.assertEqual(WHOLE.number(2 / 3), "0.6666666666666666")

    def test_numbers(self) -> None:
        """What is put into a formula is written as a person would."""
        numbers = {"k": 2, "p": {"a": 0.5}, "present": ["a", "b c"], "sort": True}
        self.assertEqual(
            WHOLE.numbers(numbers), 'k = 2, p = {a: 0.5}, present = [a, "b c"], sort = true'
        )


class OutputTests(SynchronousTestCase):
    """Tables."""

    columns = (Column("model"), Column("frequency", number=True))

    def test_terminal(self) -> None:
        """On a terminal a table has titles, and numbers to the right."""
        output, kept = terminal()
        output.table(self.columns, [("abc", "1"), ("d", "20")])
        lines = kept.lines()
        self.assertEqual(lines[1], "model  frequency")
        self.assertEqual(lines[3:5], ["abc            1", "d             20"])

    def test_narrow(self) -> None:
        """A narrow terminal shows fewer columns, and breaks no number."""
        columns = (Column("name"), Column("number", number=True), Column("more", wide=True))
        for width, titles in ((100, "name  number  more"), (99, "name  number")):
            output, kept = terminal(width)
            output.table(columns, [("a", "1", "b")])
            self.assertEqual(kept.lines()[1], titles)
        output, kept = terminal(20)
        output.table(columns, [("a " * 30, "0.1234", "b")])
        self.assertIn("0.1234", " ".join(kept.lines()))

    def test_pipe(self) -> None:
        """Elsewhere it is a line a row, with tabs, and nothing else."""
        out = StringIO()
        Output(out=out).table(self.columns, [("abc", "1"), ("d", "20")])
        self.assertEqual(out.getvalue(), "abc\t1\nd\t20\n")

    def test_facts(self) -> None:
        """Names with values, in both ways; a bracket is no command to anybody."""
        output, kept = terminal()
        output.facts([("sequence", "[red]a[/red]"), ("of", "b")])
        self.assertEqual(kept.lines(), ["sequence  [red]a[/red]", "of        b"])
        out = StringIO()
        Output(out=out).facts([("sequence", "a"), ("of", "b")])
        self.assertEqual(out.getvalue(), "sequence\ta\nof\tb\n")

    def test_quiet(self) -> None:
        """Notes go to standard error, and nowhere where nobody wants them."""
        out, err = StringIO(), StringIO()
        Output(out=out, err=err).note("done\x1b")
        self.assertEqual((out.getvalue(), err.getvalue()), ("", "done\\x1b\n"))
        Output(out=out, err=err, quiet=True).note("done")
        self.assertEqual(err.getvalue(), "done\\x1b\n")


class AlignmentTests(SynchronousTestCase):
    """A model and the state under each other."""

    def test_aligned(self) -> None:
        """What matches stands under each other with a bar between; what is one's own, alone."""
        blocks = [
            {"model_start": 0, "state_start": 1, "length": 2},
            {"model_start": 3, "state_start": 3, "length": 1},
        ]
        found = list(places(["get", "set", "ready", "go"], ["x", "get", "set", "go"], blocks))
        self.assertEqual(
            aligned(found, None),
            [
                (
                    "model    get set ready go",
                    "         =======       ==",
                    "state  x get set       go",
                )
            ],
        )

    def test_width(self) -> None:
        """Lines are broken where a terminal ends."""
        found = [Place(each * 9, each * 9, 0) for each in "abc"]
        self.assertEqual([len(each[0]) for each in aligned(found, 27)], [26, 16])
        self.assertEqual(aligned([], 80), [])

    @given(SYMBOLS, SYMBOLS)
    def test_whole(self, model: list[str], state: list[str]) -> None:
        """Both are there, in order and whole, and a bar stands between what is the same."""
        blocks = [
            {"model_start": i, "state_start": j, "length": n}
            for i, j, n in SequenceMatcher(None, model, state, False).get_matching_blocks()
        ]
        found = list(places(model, state, blocks))
        self.assertEqual([each.model for each in found if each.model], model)
        self.assertEqual([each.state for each in found if each.state], state)
        matched = [each for each in found if each.block is not None]
        self.assertEqual(len(matched), sum(each["length"] for each in blocks))
        self.assertTrue(all(each.model == each.state for each in matched))
