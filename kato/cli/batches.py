"""What is sent together, as one operation, under which ids.  Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from kato.cli.items import Entry
from kato.client import Observation

LONGEST = 500
"""Observations that are sent together at most."""

HEAVIEST = 2**20
"""Characters of their strings, and eight times the numbers of their vectors, are no more than that
before the last of them is added."""

DIVISION = f"1 {LONGEST} {HEAVIEST}"
"""Names the way in which it is chosen what is sent together: ids of requests are of one way."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Observations of one operation, with whether it learns: after each, at the end, or not."""

    entries: Sequence[Entry]

    @property
    def lines(self) -> tuple[int, int]:
        """The first line of it, and the last."""
        return self.entries[0].line, self.entries[-1].line

    @property
    def learn_after_each(self) -> bool:
        """Whether every observation is a sequence of its own."""
        return len(self.entries) > 1 and self.entries[0].learn

    @property
    def learn_at_end(self) -> bool:
        """Whether the last observation ends a sequence."""
        return self.entries[-1].learn and not self.learn_after_each

    def request_id(self, load: str) -> str:
        """The id by which the server knows it again."""
        first, last = self.lines
        return f"load:{load}:{first}-{last}"

    def last_id(self, load: str) -> str:
        """The C{unique_id} of the last observation, by which it is seen how far a load came."""
        last = self.entries[-1]
        return last.observation.unique_id or f"load:{load}:{last.line}"

    def observations(self, load: str) -> list[Observation]:
        """What is observed.  The id of the request is enough to do it once: to remember one of each
        observation beside would take the server several times as long."""
        seen = [each.observation for each in self.entries]
        return [*seen[:-1], replace(seen[-1], unique_id=self.last_id(load))]


def batches(entries: Iterable[Entry], done: int = 0) -> Iterator[Batch]:
    """What is sent together; the same wherever between two of them one begins.

    @param done: how many entries were sent already.
    """
    gathered: list[Entry] = []
    weight = 0
    for entry in islice(entries, done, None):
        if gathered and gathered[0].learn and not entry.learn:
            yield Batch(gathered)
            gathered, weight = [], 0
        gathered.append(entry)
        weight += _weight(entry.observation)
        ends = entry.learn and not gathered[0].learn
        if ends or len(gathered) == LONGEST or weight >= HEAVIEST:
            yield Batch(gathered)
            gathered, weight = [], 0
    if gathered:
        yield Batch(gathered)


def _weight(observation: Observation) -> int:
    return sum(map(len, observation.strings)) + 8 * sum(map(len, observation.vectors))
