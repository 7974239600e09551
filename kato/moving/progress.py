"""How far something is, on a terminal; nothing where standard error is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def progress(what: str, unit: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """A bar; gives what is to be told of how much was done.

    @param total: how much there is to do, C{None} where that is not known.
    """
    with tqdm(
        desc=what, total=total, unit=unit, unit_scale=True, disable=None, leave=False
    ) as shown:
        yield shown.update


@contextmanager
def progress_of(what: str, unit: str) -> Iterator[Callable[[int, int], object]]:
    """The same, to be told how much is done by now, and of how much."""
    with tqdm(desc=what, unit=unit, unit_scale=True, disable=None, leave=False) as shown:

        def told(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield told
