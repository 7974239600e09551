"""For how long a service may answer without asking, and when another one is dead (SPEC 10).

Both are told times of one clock of this machine that only rises, and no two machines need agree on
the time: a renewal that was asked for at C{t} holds until C{t + LEASE - MARGIN}, and nobody buries
a service of which he has not seen the same beat for L{LEASE} seconds.
"""

from collections.abc import Mapping

LEASE = 4.0
"""Seconds after which a service that has not renewed its lease may be buried."""

MARGIN = 0.5
"""Seconds by which it stops answering sooner: clocks do not run equally fast."""


class Lease:
    """A service's own."""

    def __init__(self, *, seconds: float = LEASE - MARGIN) -> None:
        """@param seconds: for how long a renewal holds."""
        self._seconds = seconds
        self._until: float | None = None

    def renewed(self, asked: float) -> None:
        """A renewal has come about that was asked for at C{asked}."""
        until = asked + self._seconds
        self._until = until if self._until is None else max(self._until, until)

    def lost(self) -> None:
        """It was buried."""
        self._until = None

    def holds(self, now: float) -> bool:
        """Whether it may answer."""
        return self._until is not None and now < self._until


class Sightings:
    """The beats of others: which of them have not moved for too long."""

    def __init__(self, *, seconds: float = LEASE) -> None:
        """@param seconds: for how long a living service may be silent."""
        self._seconds = seconds
        self._seen: dict[str, tuple[int, float]] = {}

    def see(self, beats: Mapping[str, int], now: float) -> dict[str, int]:
        """Those to be buried, each with the beat at which it stopped.

        @param now: when C{beats} had been read.
        """
        seen = {}
        for boot, beat in beats.items():
            before = self._seen.get(boot)
            seen[boot] = before if before is not None and before[0] == beat else (beat, now)
        self._seen = seen
        return {boot: beat for boot, (beat, since) in seen.items() if now >= since + self._seconds}

    def begin_anew(self) -> None:
        """Who looks was cut off itself: others may have been, too, and are given their time."""
        self._seen = {}
