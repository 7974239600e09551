"""Functions called off the reactor, and what of their errors stays."""

import gc
import weakref
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from kato.errors import InvalidRequest
from kato.threads import make_threads, off_the_reactor


class Large:
    """Stands for what a client sent."""


class ThreadTests(TestCase):
    """A pool of Twisted's, on the reactor."""

    timeout = 30

    def setUp(self) -> None:
        from twisted.internet import reactor

        threads = make_threads("tests")
        threads.start()
        self.addCleanup(threads.stop)
        self.in_thread = off_the_reactor(reactor, threads)

    async def test_returned(self) -> None:
        """What is returned comes back."""
        self.assertEqual(await self.in_thread(lambda: 6 * 7), 42)

    async def test_refused(self) -> None:
        """An error of a client comes back, and holds on to nothing that was there: what it is about
        is gone without the collector."""
        self.addCleanup(gc.enable)
        gc.disable()
        seen: list[weakref.ref[Large]] = []

        def refuse() -> None:
            large = Large()
            seen.append(weakref.ref(large))
            try:
                raise KeyError(large)
            except KeyError:
                raise InvalidRequest("body: no such thing") from None

        error = await self.failed(self.in_thread(refuse))
        self.assertEqual(str(error), "body: no such thing")
        self.assertIsNone(seen[0]())

    async def failed(self, asked: "Deferred[Any]") -> BaseException | None:
        caught: Deferred[BaseException | None] = asked.addCallbacks(
            lambda _: None, lambda failure: failure.value
        )
        return await caught

    async def test_defect(self) -> None:
        """Any other error comes back with its frames, so that it can be found."""
        try:
            await self.in_thread(lambda: int("none"))
        except ValueError as error:
            assert error.__traceback__ is not None
        else:
            self.fail("nothing was raised")
