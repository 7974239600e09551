"""C{python -m tests.engine.scarce}: the kernel where memory runs out.

Needs a kernel built with C{KATO_FAULTS} (L{tests.engine.sanitized} builds one).  Every operation is
tried with its first request for memory failing, then its second, and so on: each time it does all
of its work or raises C{MemoryError}, and what the matcher holds is as before or as after.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial

from kato.engine import _kernel
from kato.engine.native_matcher import NativeMatcher
from kato.model import Sequence as Events

STATE = tuple(f"s{i}" for i in range(90))

Held = tuple[object, ...]


def sequence(number: int) -> Events:
    """One with repeats, and with symbols of its own."""
    return tuple((f"s{(number * i) % 70}", f"own{number}") for i in range(1, 12))


def filled(models: int = 300) -> NativeMatcher:
    """A matcher with models."""
    matcher = NativeMatcher()
    for number in range(models):
        matcher.add(f"model {number}", sequence(number), number + 1)
    return matcher


def held(matcher: NativeMatcher) -> Held:
    """All that a matcher answers."""
    names = matcher.page(None, 10_000)
    kept = matcher.kept(STATE, 0.05)
    ranking = kept.best("potential", 40)
    return (
        [(name, matcher.get(name)) for name in names],
        len(kept),
        list(map(ranking.told, range(len(ranking)))),
        kept.forecast(20),
        matcher.symbols,
        len(matcher),
    )


def operations() -> Iterator[tuple[str, Callable[[NativeMatcher], object]]]:
    """What is tried, each on a matcher of its own."""
    unseen = tuple((f"fresh{i}", f"fresh{i}") for i in range(40))
    yield "add", lambda matcher: matcher.add("another", sequence(9999), 3)
    yield "add unseen symbols", lambda matcher: matcher.add("unseen", unseen, 3)
    yield "reweigh", lambda matcher: matcher.reweigh("model 7", 70)
    yield "remove", lambda matcher: matcher.remove("model 7")
    yield "find", lambda matcher: matcher.find(sequence(7))
    yield "get", lambda matcher: matcher.get("model 7")
    yield "page", lambda matcher: matcher.page("model 2", 50)
    yield "count", lambda matcher: len(matcher.kept(STATE, 0.05))
    for rank_by in ("potential", "itfdf_similarity", "similarity"):
        yield rank_by, partial(rank, rank_by, STATE)
        yield rank_by, partial(rank, rank_by, STATE[:20])
    yield "forecast", lambda matcher: matcher.kept(STATE, 0.05).forecast(5)
    yield "told", lambda matcher: matcher.kept(STATE, 0.05).best("potential", 3).told(1)
    yield "json", lambda matcher: matcher.kept(STATE, 0.05).best("potential", 3).json(1)
    for rank_by in ("potential", "similarity"):
        yield f"standing by {rank_by}", partial(stand, rank_by)
    yield "weigh", lambda matcher: matcher.weigh(STATE)
    yield "dump", lambda matcher: matcher.dump()
    yield "load", lambda matcher: NativeMatcher().load(filled(20).dump())


def rank(rank_by: str, state: tuple[str, ...], matcher: NativeMatcher) -> object:
    return matcher.kept(state, 0.05).best(rank_by, 5)


def stand(rank_by: str, matcher: NativeMatcher) -> object:
    return matcher.kept(STATE, 0.05).standing("model 7", rank_by)


def compact(matcher: NativeMatcher) -> None:
    """Forget so many models that the rest is written anew, if there is memory for that."""
    for number in range(2000):
        matcher.add(f"gone {number}", ((f"g{number}", "s1"),), 1)
    for number in range(2000):
        matcher.remove(f"gone {number}")


def attempts(operation: Callable[[NativeMatcher], object], models: int) -> int:
    """Try an operation with each of its requests for memory failing; gives how many it has.

    @raise AssertionError: where it leaves something half done.
    """
    before = held(filled(models))
    whole = filled(models)
    operation(whole)
    after = held(whole)
    requests = 0
    while True:
        matcher = filled(models)
        _kernel.fail_allocation(requests + 1)
        try:
            operation(matcher)
            found = after
        except MemoryError:
            found = before
        spared = _kernel.fail_allocation(0)
        assert held(matcher) == found, f"request {requests + 1} left something half done"
        if spared:
            return requests
        requests += 1


def main() -> int:
    """Try all, and tell how much was tried."""
    total = 0
    for name, operation in operations():
        try:
            total += attempts(operation, 30)
        except AssertionError as error:
            print(f"{name}: {error}")
            return 1
    matcher = filled(30)
    before = held(matcher)
    for request in range(0, 40_000, 997):
        _kernel.fail_allocation(request + 1)
        try:
            compact(matcher)
        except MemoryError:
            _kernel.fail_allocation(0)
            for name in matcher.page(None, 10_000):
                if name.startswith("gone"):
                    matcher.remove(name)
        _kernel.fail_allocation(0)
        assert held(matcher) == before, f"request {request + 1} while compacting"
        total += 1
    print(f"{total} failures of memory: each time all or nothing was done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
