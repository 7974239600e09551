"""How every provider of the matching seam must hold models: its tests mix this in."""

from hypothesis import given
from hypothesis import strategies as st

from kato.engine.matching import Matcher
from kato.model import Sequence as Events
from tests.engine.providers import Provided, law
from tests.engine.worlds import SYMBOLS

NAMES = st.one_of(
    st.text(min_size=1, max_size=3),
    st.integers(0, 40).map(lambda number: f"MODEL|{number}"),
    st.sampled_from(["MODEL|é", "MODEL|\uffff", "MODEL|𝔸", "MODEL|"]),
)
EVENTS = st.lists(SYMBOLS | st.text(max_size=2), min_size=1, max_size=3).map(tuple)
SEQUENCES = st.lists(EVENTS, min_size=1, max_size=4).map(tuple)

Held = dict[str, tuple[Events, int]]


class HoldingContract(Provided):
    """Models by name and by sequence."""

    def assert_holds(self, matcher: Matcher, held: Held) -> None:
        """It holds these models and no others."""
        symbols = {symbol for events, _ in held.values() for event in events for symbol in event}
        self.assertEqual((len(matcher), matcher.symbols), (len(held), len(symbols)))
        for name, (events, frequency) in held.items():
            learned = matcher.get(name)
            assert learned is not None, name
            self.assertEqual((learned.sequence, learned.frequency), (events, frequency))
            self.assertEqual(matcher.find(events), name)
        self.assertEqual(matcher.page(None, len(held) + 1), sorted(held))

    @law(150)
    @given(st.lists(st.tuples(NAMES, SEQUENCES, st.integers(0, 3)), max_size=25))
    def test_follows(self, steps: list[tuple[str, Events, int]]) -> None:
        """What was added is there as it was added, until it is removed."""
        matcher, held = self.make(), Held()
        for name, events, what in steps:
            if name in held:
                if what:
                    matcher.reweigh(name, what)
                    held[name] = (held[name][0], what)
                else:
                    matcher.remove(name)
                    del held[name]
                    self.assertIsNone(matcher.get(name))
            elif all(events != other for other, _ in held.values()):
                self.assertIsNone(matcher.find(events))
                matcher.add(name, events, what + 1)
                held[name] = (events, what + 1)
            self.assert_holds(matcher, held)

    def test_bounds_of_events(self) -> None:
        """Sequences with the same symbols in other events are other sequences, and so are those
        that begin alike."""
        matcher = self.make()
        sequences: list[Events] = [
            (("a", "b"), ("c",)),
            (("a",), ("b", "c")),
            (("a", "b", "c"),),
            (("a",), ("b",), ("c",)),
            (("a", "b"),),
            (("a", "b"), ("c", "")),
        ]
        held: Held = {}
        for number, sequence in enumerate(sequences):
            self.assertIsNone(matcher.find(sequence))
            matcher.add(f"MODEL|{number}", sequence, 1)
            held[f"MODEL|{number}"] = (sequence, 1)
        self.assert_holds(matcher, held)
        self.assertIsNone(matcher.find((("a", "b"), ("d",))))

    @law(80)
    @given(st.sets(NAMES, max_size=20), NAMES, st.integers(1, 8))
    def test_pages(self, names: set[str], after: str, limit: int) -> None:
        """Names come by code point, however they are asked for."""
        matcher = self.make()
        for number, name in enumerate(names):
            matcher.add(name, ((f"s{number}",), ("x",)), 1)
        ordered = sorted(names)
        later = [name for name in ordered if name > after]
        self.assertEqual(matcher.page(after, limit), later[:limit])
        paged, last = [], None
        while page := matcher.page(last, limit):
            paged += page
            last = page[-1]
        self.assertEqual(paged, ordered)

    def test_pages_follow(self) -> None:
        """A page is that of the models that are there when it is asked for."""
        matcher = self.make()
        for name in "bdf":
            matcher.add(name, ((name,),), 1)
        self.assertEqual(matcher.page("b", 5), ["d", "f"])
        matcher.add("c", (("c",),), 1)
        matcher.remove("d")
        self.assertEqual(matcher.page("b", 5), ["c", "f"])
        self.assertEqual(matcher.page("f", 5), [])

    def test_memory(self) -> None:
        """It tells what it uses: more with more models, and less when they are gone."""
        matcher = self.make()
        empty = matcher.memory()
        for number in range(3000):
            events = tuple((f"symbol {number}", f"s{number % 50}", f"{i}") for i in range(5))
            matcher.add(f"MODEL|{number:040}", events, 1)
        full = matcher.memory()
        self.assertGreater(full.models - empty.models, 3000 * (5 * 3 * 4 + 46))
        self.assertGreater(full.index - empty.index, 3000 * 5 * 3)
        self.assertGreater(full.symbols - empty.symbols, 3000 * len("symbol 0000"))
        self.assertLess(full.models + full.index + full.symbols, 3000 * 4000)
        for number in range(2990):
            matcher.remove(f"MODEL|{number:040}")
        left = matcher.memory()
        for before, after in ((full.models, left.models), (full.symbols, left.symbols)):
            self.assertLess(after, before / 2)
        self.assertLess(left.index, full.index)

    def test_dumped(self) -> None:
        """What was dumped, if it can be, is taken in again by an empty matcher, which then holds
        and finds the same; what is damaged is refused, and nothing of it taken in."""
        matcher, held = self.make(), Held()
        for number in range(200):
            events = ((f"s{number % 9}", "é𝔸"), (f"t{number}",), ("x", "x"))
            matcher.add(f"MODEL|{number}", events, 1 + number % 4)
            held[f"MODEL|{number}"] = (events, 1 + number % 4)
        for number in range(0, 200, 3):
            matcher.remove(f"MODEL|{number}")
            del held[f"MODEL|{number}"]
        dumped = matcher.dump()
        again = self.make()
        for damaged in self.damaged(dumped):
            self.assertFalse(again.load(damaged))
            self.assert_holds(again, {})
        if dumped is not None:
            self.assertTrue(again.load(dumped))
            self.assert_holds(again, held)
            self.assert_equal_answers(again, matcher)

    def damaged(self, dumped: bytes | None) -> list[bytes]:
        """Bytes that are no dump, the dump itself cut short or with a changed byte among them."""
        if dumped is None:
            return [b"", b"something"]
        half = len(dumped) // 2
        changed = [
            dumped[:place] + bytes([dumped[place] ^ 1]) + dumped[place + 1 :]
            for place in (0, 40, half, len(dumped) - 1)
        ]
        return [b"", b"something", dumped[:-1], dumped[:half], dumped + b"\0", *changed]

    def assert_equal_answers(self, one: Matcher, other: Matcher) -> None:
        for state in (["s1", "x"], ["é𝔸", "t4", "x", "x"]):
            first, second = (each.kept(state, 0.1).best("potential", 50) for each in (one, other))
            self.assertEqual(
                [first.json(place) for place in range(len(first))],
                [second.json(place) for place in range(len(second))],
            )
            self.assertEqual(one.kept(state, 0.1).forecast(50), other.kept(state, 0.1).forecast(50))
