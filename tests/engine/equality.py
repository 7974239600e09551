"""C{python -m tests.engine.equality}: the kernel and the provider in Python give the same answers.

Random worlds are held by both: models are added, forgotten, weighed anew and added again, and
states are asked about in between.  A I{case} is one model that a state keeps: its blocks, all
fields of its prediction and its JSON are compared, and the blocks of some with difflib's too.  How
many are kept, where some stand, what symbols weigh, the forecast, names by page, sequences and
frequencies are compared as well, but not counted.

Every world has a number, which is printed where its answers differ: C{--world N} tries it alone.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kato.codec import encode_json
from kato.engine.matchers import provider
from kato.engine.matching import Kept, Matcher, Ranking
from kato.genes import RANKINGS
from kato.model import Sequence as Events
from kato.model import model_name
from tests.engine.oracle import blocks, flattened

FREQUENCIES = (1, 1, 1, 2, 7, 2**31, 2**53)
STRANGE = ("", '"', "\\", "\n", "\x00", "é", "\u2028", "𝔸", "MODEL|")


class Different(Exception):
    """Two answers to one question differ."""


def same(what: str, given: object, expected: object) -> None:
    """@raise Different: where they are not equal."""
    if given != expected:
        raise Different(f"{what}: {given!r} is not {expected!r}")


def native() -> Matcher:
    """An empty matcher of the kernel."""
    return provider("native", "a test asks for it").make()


def python() -> Matcher:
    """An empty matcher in Python."""
    return provider("python", "a test asks for it").make()


@dataclass
class World:
    """What both providers hold; everything follows from C{number}."""

    number: int
    cases: int = 0
    known: dict[str, tuple[Events, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chance = self.chance = random.Random(self.number)
        self.native, self.python = native(), python()
        alphabet = chance.choice((1, 2, 3, 4, 10, 50, 500, 5000))
        self.symbols = [f"s{i}" for i in range(alphabet)]
        self.symbols[: len(STRANGE)] = STRANGE[: max(alphabet - 1, 1)]
        self.skewed = chance.random() < 0.5
        self.width = chance.choice((1, 1, 2, 4))
        self.long = chance.random() < 0.02
        self.repetitive = alphabet < 50
        """Few symbols make many runs, and Python slow."""
        self.base: list[str] | None = None
        if chance.random() < 0.1:
            self.base = self.flat(60 if self.repetitive else 300)

    def symbol(self) -> str:
        place = self.chance.random()
        return self.symbols[int((place**3 if self.skewed else place) * len(self.symbols))]

    def flat(self, length: int) -> list[str]:
        """So many symbols, often with runs and repeats in them."""
        chance = self.chance
        symbols = [self.symbol() for _ in range(length)]
        if chance.random() < 0.2:
            start = chance.randrange(length)
            symbols[start : start + length // 2] = [self.symbol()] * (length // 2)
        if chance.random() < 0.2:
            symbols = (symbols[: max(length // 3, 1)] * 4)[:length]
        return symbols

    def length(self) -> int:
        if self.long:
            return self.chance.choice((100, 150) if self.repetitive else (300, 1000, 3000))
        return self.chance.choice((1, 2, 3, 5, 8, 16, 16, 40))

    def sequence(self) -> Events:
        flat = self.flat(self.length()) if self.base is None else self.changed(self.base)
        events, at = [], 0
        while at < len(flat):
            width = self.chance.randint(1, self.width)
            events.append(tuple(flat[at : at + width]))
            at += width
        return tuple(events)

    def changed(self, flat: Sequence[str]) -> list[str]:
        """Nearly the same symbols: some fall out, some come in."""
        loss = self.chance.choice((0.02, 0.1, 0.5))
        found = [each for each in flat if self.chance.random() > loss]
        for _ in range(self.chance.randrange(4)):
            found.insert(self.chance.randint(0, len(found)), self.symbol())
        return found or [self.symbol()]

    def state(self) -> list[str]:
        if self.known and self.chance.random() < 0.6:
            sequence, _ = self.chance.choice(list(self.known.values()))
            state = self.changed(flattened(sequence))
        else:
            lengths: tuple[int, ...] = (1, 2, 3, 5, 6, 6, 10, 20, 63, 64, 65, 66)
            if self.chance.random() < 0.05:
                lengths = (130,) if self.repetitive else (130, 400)
            state = self.flat(self.chance.choice(lengths))
        if self.chance.random() < 0.3:
            state.insert(self.chance.randint(0, len(state)), "unknown")
        return state

    # What happens in it

    def go_through(self) -> None:
        """Let it happen, and compare all answers.

        @raise Different: at the first that differs.
        """
        few = self.long or self.base is not None
        for _ in range(self.chance.choice((1, 4, 12)) if few else self.chance.choice((5, 30, 60))):
            self.add(self.sequence())
        for _ in range(3):
            for _ in range(self.chance.randrange(len(self.known) + 1)):
                self.change()
            self.ask()
        self.ask_of_models()

    def add(self, sequence: Events) -> None:
        name = model_name(sequence)
        if name not in self.known:
            frequency = self.chance.choice(FREQUENCIES)
            self.known[name] = sequence, frequency
            self.native.add(name, sequence, frequency)
            self.python.add(name, sequence, frequency)

    def change(self) -> None:
        if not self.known:
            return
        name = self.chance.choice(list(self.known))
        sequence, _ = self.known[name]
        if self.chance.random() < 0.5:
            frequency = self.chance.choice(FREQUENCIES)
            self.known[name] = sequence, frequency
            self.native.reweigh(name, frequency)
            self.python.reweigh(name, frequency)
            return
        del self.known[name]
        self.native.remove(name)
        self.python.remove(name)
        if self.chance.random() < 0.5:
            self.add(sequence)
        elif self.chance.random() < 0.5:
            self.add(self.sequence())

    def ask(self) -> None:
        state = self.state()
        threshold = self.threshold(len(state))
        given, expected = (each.kept(state, threshold) for each in (self.native, self.python))
        same(f"kept at {threshold} by {state}", len(given), len(expected))
        rank_by = self.chance.choice(RANKINGS)
        most = self.chance.choice((1, 2, 3, len(self.known) + 1, len(self.known) + 1))
        self.compare(given.best(rank_by, most), expected.best(rank_by, most), state)
        self.compare_forecast(given, expected)
        for name in self.chance.sample(sorted(self.known), min(len(self.known), 3)):
            where = expected.standing(name, rank_by)
            same(f"standing of {name} for {state}", given.standing(name, rank_by), where)
        same(f"weights of {state}", self.native.weigh(state), self.python.weigh(state))

    def threshold(self, length: int) -> float:
        """A few usual ones, and some that a similarity hits exactly."""
        if self.chance.random() < 0.4 and self.known:
            sequence, _ = self.chance.choice(list(self.known.values()))
            both = sum(map(len, sequence)) + length
            return min(2 * self.chance.randrange(1, 6) / both, 1.0)
        return self.chance.choice((0.0, 0.0, 0.1, 0.3, 0.5, 1.0))

    def compare(self, given: Ranking, expected: Ranking, state: list[str]) -> None:
        names = list(expected.names)
        same(f"ranking for {state}", list(given.names), names)
        for place, name in enumerate(names):
            told = expected.told(place)
            same(f"prediction for {state}", given.told(place), told)
            same(f"order of fields for {state}", list(given.told(place)), list(told))
            same(f"JSON for {state}", given.json(place), encode_json(told)[:-1])
            found = given.blocks(place)
            same(f"blocks of {name} for {state}", found, expected.blocks(place))
            if self.chance.random() < 0.3:
                by_difflib = blocks(flattened(self.known[name][0]), state)
                same(f"blocks of {name} for {state}", [tuple(b) for b in found], by_difflib)
            self.cases += 1

    def compare_forecast(self, given: Kept, expected: Kept) -> None:
        for limit in (1, 3, 1000):
            same(f"forecast up to {limit}", given.forecast(limit), expected.forecast(limit))

    def ask_of_models(self) -> None:
        """All that is asked of models without a state; and the same of a copy from a dump."""
        dumped = self.native.dump()
        assert dumped is not None
        copy = native()
        same("load", copy.load(dumped), True)
        for matcher in (self.native, copy):
            same("models", len(matcher), len(self.python))
            same("symbols", matcher.symbols, self.python.symbols)
            after = self.chance.choice([None, "", *self.known])
            same("page", matcher.page(after, 7), self.python.page(after, 7))
            for name, (sequence, frequency) in self.known.items():
                same("find", matcher.find(sequence), name)
                same("get", matcher.get(name), (sequence, frequency))
        self.native = copy
        self.ask()


def forgotten(number: int) -> int:
    """A world in which so many models are forgotten that the kernel compacts; gives its cases."""
    world = World(number)
    world.long, world.base = False, None
    world.symbols = [f"t{i}" for i in range(400)]
    for _ in range(1600):
        world.add(tuple((world.symbol(),) for _ in range(4)))
    for name in list(world.known)[: len(world.known) * 4 // 5]:
        del world.known[name]
        world.native.remove(name)
        world.python.remove(name)
    for _ in range(10):
        world.ask()
    world.ask_of_models()
    return world.cases


def compare(worlds: Callable[[int], bool], first: int) -> tuple[int, int]:
    """Go through worlds from number C{first} on, as long as C{worlds}, given the cases so far, says
    so; gives how many worlds and cases there were.

    @raise Different: in the first world in which answers differ; the error says which.
    """
    number, cases = first, 0
    while worlds(cases):
        world = World(number)
        try:
            world.go_through()
        except Different as error:
            raise Different(f"world {number}: {error}") from None
        cases += world.cases
        number += 1
    return number - first, cases


def main(arguments: Sequence[str]) -> int:
    """Compare, and print how much was compared."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.equality", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="how many at least")
    parser.add_argument("--seconds", type=float, help="for so long instead")
    parser.add_argument("--seed", type=int, help="where to begin; the day, if not given")
    parser.add_argument("--world", type=int, help="only the world of this number")
    options = parser.parse_args(arguments)
    seed = int(time.time() // 86400) if options.seed is None else options.seed
    first = seed * 1_000_000 if options.world is None else options.world
    began = time.monotonic()

    def goes_on(cases: int) -> bool:
        if options.world is not None:
            return cases == 0
        if options.seconds is not None:
            return bool(time.monotonic() - began < options.seconds)
        return bool(cases < options.cases)

    try:
        worlds, cases = compare(goes_on, first)
        cases += forgotten(first)
    except Different as error:
        print(error)
        return 1
    print(
        f"seed {seed}: {cases:,} cases in {worlds + 1:,} worlds are the same,"
        f" in {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
