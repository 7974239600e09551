"""Who tells wrong keys, and how long they wait for the answer: pure, and told the time."""

from collections import OrderedDict
from dataclasses import dataclass
from heapq import heappop, heappush
from ipaddress import IPv6Address, ip_address

FREE = 5
"""So many wrong keys are answered at once."""

FIRST_DELAY = 0.125
LONGEST_DELAY = 4.0
"""Seconds by which the next one is answered later, doubled each time, and at the most."""

FORGOTTEN = 60.0
"""Seconds without a wrong key, after which nothing is suspected."""

MAX_KNOWN = 10_000
"""How many addresses are remembered, those that were heard of last."""

MAX_WAITING = 1_000
"""How many answers may wait at a time, of all addresses together."""

LOGGED = 1.0
"""Seconds between two lines in the log about an address."""

_NETWORK = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done about a wrong key: its answer waits C{delay} seconds; or C{closes} says that it
    is answered at once, and not heard again.  C{tell} says whether the log is told."""

    delay: float
    closes: bool
    failures: int
    tell: bool


@dataclass(slots=True)
class _Suspect:
    failures: int = 0
    at: float = 0.0
    told: float | None = None


class Suspicion:
    """Remembers where wrong keys came from."""

    def __init__(self) -> None:
        self._suspects: OrderedDict[str, _Suspect] = OrderedDict()
        self._waiting: list[float] = []

    def failed(self, address: str, now: float) -> Verdict:
        """A wrong key was told.

        @param address: where it came from, as L{network} writes it.
        @param now: the time, in seconds.
        """
        suspect = self._suspect(address, now)
        suspect.failures += 1
        suspect.at = now
        tell = suspect.told is None or now - suspect.told >= LOGGED
        if tell:
            suspect.told = now
        delay = _delay(suspect.failures)
        waits = delay > 0.0 and self._may_wait(now + delay, now)
        return Verdict(delay if waits else 0.0, delay > 0.0 and not waits, suspect.failures, tell)

    def _suspect(self, address: str, now: float) -> _Suspect:
        suspect = self._suspects.get(address)
        if suspect is None or now - suspect.at > FORGOTTEN:
            suspect = self._suspects[address] = _Suspect()
        self._suspects.move_to_end(address)
        if len(self._suspects) > MAX_KNOWN:
            self._suspects.popitem(last=False)
        return suspect

    def _may_wait(self, until: float, now: float) -> bool:
        while self._waiting and self._waiting[0] <= now:
            heappop(self._waiting)
        if len(self._waiting) >= MAX_WAITING:
            return False
        heappush(self._waiting, until)
        return True

    def statistics(self, now: float) -> dict[str, int]:
        """How many addresses are suspected, and how many answers wait."""
        return {
            "suspects": sum(now - each.at <= FORGOTTEN for each in self._suspects.values()),
            "delayed": sum(each > now for each in self._waiting),
        }


def _delay(failures: int) -> float:
    """How long the answer to so many wrong keys waits, in seconds."""
    if failures <= FREE:
        return 0.0
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - FREE - 1, 16))


def network(address: str | None) -> str:
    """Who is at an address: IPv6 gives each of us a whole network of them."""
    if address is None:
        return "unknown"
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    kept = int(parsed) >> (128 - _NETWORK) << (128 - _NETWORK)
    return f"{IPv6Address(kept)}/{_NETWORK}"
