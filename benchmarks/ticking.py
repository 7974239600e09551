"""How long a reactor does nothing else: a clock ticks on it each millisecond."""

from collections.abc import Awaitable, Callable
from time import perf_counter

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall


async def timed(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Seconds that some work takes, and the longest in which the clock did not tick."""
    waits = [0.0]
    last = perf_counter()

    def tick() -> None:
        nonlocal last
        now = perf_counter()
        waits.append(now - last)
        last = now

    ticking = LoopingCall(tick)
    ended: Deferred[None] = ticking.start(0.001, now=False).addCallback(lambda _: None)
    began = perf_counter()
    await work()
    took = perf_counter() - began
    tick()
    ticking.stop()
    await ended
    return took, max(waits)
