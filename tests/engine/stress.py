"""C{python -m tests.engine.stress}: threads that learn, forget, weigh and ask at the same time.

On a matcher of their own, and on one that all share, on which each has names of its own: whatever
the order, what all of them leave behind is known, and it must be what a matcher in Python holds
that was told it in order.  Bounded by counts, not by time.
"""

import random
import sys
from collections.abc import Callable
from threading import Barrier, Thread

from kato.engine.matchers import provider
from kato.engine.matching import Matcher
from kato.model import Sequence as Events

SYMBOLS = [f"s{i}" for i in range(40)]
THREADS = 4
STATE = tuple(SYMBOLS[:12])

Change = tuple[str, str, Events, int]
"""What is done to which model, with which sequence and frequency."""


def changes(thread: int, count: int) -> list[Change]:
    """What one thread does: every sequence begins with a symbol that only this thread has."""
    chance = random.Random(thread)
    held: list[tuple[str, Events]] = []
    done: list[Change] = []
    for number in range(count):
        what = chance.choice(("add", "add", "add", "reweigh", "remove")) if held else "add"
        if what == "add":
            flat = [f"own{thread}", *chance.choices(SYMBOLS, k=chance.randint(2, 30))]
            sequence = ((f"number{thread}.{number}",), *((symbol,) for symbol in flat))
            held.append((f"model {thread}.{number}", sequence))
            done.append((what, *held[-1], chance.randint(1, 9)))
        elif what == "reweigh":
            done.append((what, *chance.choice(held), chance.randint(1, 9)))
        else:
            done.append((what, *held.pop(chance.randrange(len(held))), 0))
    return done


def apply(matcher: Matcher, change: Change) -> None:
    """Carry out one change."""
    what, name, sequence, frequency = change
    if what == "add":
        matcher.add(name, sequence, frequency)
    elif what == "reweigh":
        matcher.reweigh(name, frequency)
    else:
        matcher.remove(name)


def ask(matcher: Matcher) -> None:
    """Ask all that can be asked; what is told must be of one piece, whatever goes on beside it."""
    kept = matcher.kept(STATE, 0.1)
    ranking = kept.best("potential", 20)
    for place, name in enumerate(ranking.names):
        told = ranking.told(place)
        flat = [s for part in ("past", "present", "future") for event in told[part] for s in event]
        matched = len(told["matches"])
        assert told["name"] == name, "a prediction is of the model of its place"
        assert told["similarity"] == round(2 * matched / (len(flat) + len(STATE)), 12), told
        assert matched + len(told["extras"]) == len(STATE), told
        assert ranking.json(place).startswith(b'{"type":"prototypical"')
    shares = sum(entry["share"] for entry in kept.forecast(10_000))
    assert not shares or abs(shares - 1) < 1e-6, shares
    for name in matcher.page(None, 3):
        where = kept.standing(name, "potential")
        assert where.rank is None or 1 <= where.rank <= where.kept <= where.frequency, where
        learned = matcher.get(name)
        assert learned is None or matcher.find(learned.sequence) in (name, None)
    weights = matcher.weigh(STATE)
    assert max(weights.symbols) <= weights.total <= weights.mass, weights
    assert len(kept) >= 0 and matcher.symbols >= 0 and matcher.memory().models > 0


def run(count: int, make: Callable[[], Matcher]) -> tuple[Matcher, Matcher]:
    """Let all threads do their changes on a matcher that they share, and on one of their own each,
    while they ask; gives the shared one, and one in Python that was told all in order.

    @raise AssertionError: where a thread was told something that is not of one piece.
    """
    shared, plain = make(), provider("python", "a test asks for it").make()
    gate, faults = Barrier(THREADS), list[BaseException]()

    def work(thread: int) -> None:
        own = make()
        gate.wait()
        try:
            for number, change in enumerate(changes(thread, count)):
                apply(shared, change)
                apply(own, change)
                if number % 7 == 0:
                    ask(shared)
                    ask(own)
                if number % 50 == 0:
                    dumped = shared.dump()
                    assert dumped is not None and make().load(dumped), "a dump can be loaded"
        except BaseException as error:
            faults.append(error)

    threads = [Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if faults:
        raise AssertionError("a thread failed") from faults[0]
    for thread in range(THREADS):
        for change in changes(thread, count):
            apply(plain, change)
    return shared, plain


def differences(shared: Matcher, plain: Matcher) -> list[str]:
    """In what the two differ."""
    found = []
    if (len(shared), shared.symbols) != (len(plain), plain.symbols):
        found.append("number of models or symbols")
    names = plain.page(None, len(plain) + 1)
    if shared.page(None, len(plain) + 1) != names:
        found.append("names")
    if [shared.get(name) for name in names] != [plain.get(name) for name in names]:
        found.append("models")
    given, expected = (each.kept(STATE, 0.1) for each in (shared, plain))
    for rank_by in ("potential", "confluence"):
        ours, theirs = given.best(rank_by, 50), expected.best(rank_by, 50)
        places = range(len(theirs))
        if list(map(ours.told, range(len(ours)))) != list(map(theirs.told, places)):
            found.append(f"predictions by {rank_by}")
    if given.forecast(10) != expected.forecast(10):
        found.append("forecast")
    return found


def main(arguments: list[str]) -> int:
    """Run with so many changes a thread, and tell what differs."""
    count = int(arguments[0]) if arguments else 400
    found = differences(*run(count, provider("native", "a test asks for it").make))
    print(f"{THREADS} threads of {count} changes each: {', '.join(found) or 'nothing differs'}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
