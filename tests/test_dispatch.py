"""Dispatch: an answer in time, and one that a client may see."""

import gc

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from kato.commands import Command, Reply
from kato.defects import judged
from kato.dispatch import AlreadyBegun, Dispatch, IProcessors
from kato.errors import InternalError, ModelNotFound, ProcessorUnavailable, Timeout
from kato.events import Listener, Numbers, Subscribed, Wish
from kato.origin import Origin
from tests.rest.talking import logged


@implementer(IProcessors)
class Asked:
    """Processors that answer when the test says so."""

    def __init__(self) -> None:
        self.answers: list[Deferred[Reply]] = []
        self.begun = False

    def ask(self, command: Command) -> "Deferred[Reply]":
        answer: Deferred[Reply] = Deferred(self._cancelled)
        self.answers.append(answer)
        return answer

    def _cancelled(self, answer: "Deferred[Reply]") -> None:
        if self.begun:
            answer.errback(AlreadyBegun())

    def subscribe(self, wish: Wish, listener: Listener) -> "Deferred[Subscribed]":
        self.subscribing: Deferred[Subscribed] = Deferred()
        return self.subscribing

    def statistics(self) -> dict[str, object]:
        return {"processors": 3}


LEARN = Command.parse("learn", processor="p1")
READ = Command.parse("get_predictions", processor="p1")


class DispatchTests(SynchronousTestCase):
    """L{Dispatch} with a clock and processors that the test moves."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.processors = Asked()
        self.dispatch = Dispatch(self.processors, clock=self.clock, timeout=30)

    def test_answer(self) -> None:
        """An answer is passed on, and its deadline is called off."""
        asked = self.dispatch.ask(LEARN)
        reply = Reply("learned", 1.0)
        self.processors.answers[0].callback(reply)
        self.assertIs(self.successResultOf(asked), reply)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_error(self) -> None:
        """An error of ours is passed on as it is."""
        asked = self.dispatch.ask(LEARN)
        error = ModelNotFound("model_name: no")
        self.processors.answers[0].errback(error)
        self.assertIs(self.failureResultOf(asked).value, error)

    def test_defect(self) -> None:
        """Any other error is logged under a reference, which is all that a client is told, with the
        request that it came of."""
        events = logged(self)
        asked = self.dispatch.ask(LEARN.asked(Origin("rest", "way-1")))
        self.processors.answers[0].errback(ZeroDivisionError("secret"))
        message = self.failureResultOf(asked, InternalError).value.message
        self.assertNotIn("secret", message)
        [failure] = self.flushLoggedErrors(ZeroDivisionError)
        self.assertIn("secret", str(failure.value))
        [event] = [each for each in events if "reference" in each]
        self.assertIn(event["reference"], message)
        self.assertEqual(event["where"], "learn on p1, request way-1")

    def test_timeout_of_a_change_that_began(self) -> None:
        """A change that began and is not over in time has an outcome that nobody knows."""
        self.processors.begun = True
        asked = self.dispatch.ask(LEARN)
        self.clock.advance(29.9)
        self.assertNoResult(asked)
        self.clock.advance(0.1)
        error = self.failureResultOf(asked, Timeout).value
        self.assertTrue(error.outcome_unknown)
        self.assertEqual(error.message, "no answer to learn within 30 seconds")

    def test_timeout_of_a_change_that_did_not_begin(self) -> None:
        """A change that still waits for its turn is taken back: it was not made."""
        asked = self.dispatch.ask(LEARN)
        self.clock.advance(30)
        self.assertFalse(self.failureResultOf(asked, Timeout).value.outcome_unknown)

    def test_timeout_of_a_read(self) -> None:
        """A read that began leaves nothing unknown."""
        self.processors.begun = True
        asked = self.dispatch.ask(READ)
        self.clock.advance(30)
        self.assertFalse(self.failureResultOf(asked, Timeout).value.outcome_unknown)

    def test_stop(self) -> None:
        """Stopping refuses what comes, and waits for what is under way."""
        self.successResultOf(self.dispatch.stop())
        dispatch = Dispatch(self.processors, clock=self.clock, timeout=30)
        asked = dispatch.ask(LEARN)
        stopped = dispatch.stop()
        self.failureResultOf(dispatch.ask(LEARN), ProcessorUnavailable)
        self.assertNoResult(stopped)
        self.processors.answers[0].errback(CancelledError())
        self.successResultOf(stopped)
        self.failureResultOf(asked, InternalError)
        self.flushLoggedErrors(CancelledError)

    def test_stop_given_up(self) -> None:
        """Who waits for the end may give up: nothing is left unsaid in the log."""
        gc.collect()
        self.flushLoggedErrors()  # what other tests left unsaid
        asked = self.dispatch.ask(LEARN)
        stopped = self.dispatch.stop()
        stopped.cancel()
        self.successResultOf(stopped)
        del stopped
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])
        self.processors.answers[0].callback(Reply("learned", 1.0))
        self.successResultOf(asked)

    def test_statistics(self) -> None:
        """What is told counts requests, and adds what the processors tell."""
        self.dispatch.ask(READ)
        self.dispatch.ask(READ)
        self.processors.answers[0].callback(Reply("predictions", 1.0))
        self.assertEqual(
            self.dispatch.statistics(), {"requests": 1, "under_way": 1, "processors": 3}
        )

    def test_subscribe(self) -> None:
        """Listening is passed on, with its answer."""
        subscribing = self.dispatch.subscribe(Wish("p1"), lambda event: None)
        answer = Subscribed("e", 1, False, (), Numbers(), lambda: None)
        self.processors.subscribing.callback(answer)
        self.assertIs(self.successResultOf(subscribing), answer)

    def test_not_subscribed(self) -> None:
        """Who listens is told errors of ours, of others a reference; a cancellation is none."""
        for error, told in (
            (ModelNotFound("no"), ModelNotFound),
            (ZeroDivisionError(), InternalError),
        ):
            subscribing = self.dispatch.subscribe(Wish("p1"), lambda event: None)
            self.processors.subscribing.errback(error)
            self.failureResultOf(subscribing, told)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        subscribing = self.dispatch.subscribe(Wish("p1"), lambda event: None)
        subscribing.cancel()
        self.failureResultOf(subscribing, CancelledError)

    def test_not_subscribed_at_the_end(self) -> None:
        """Nobody begins to listen to a server that is stopping."""
        self.dispatch.stop()
        subscribing = self.dispatch.subscribe(Wish("p1"), lambda event: None)
        self.failureResultOf(subscribing, ProcessorUnavailable)


class JudgedTests(SynchronousTestCase):
    """L{judged}."""

    def test_forgets_where(self) -> None:
        """An error of ours that is kept keeps nothing else alive."""
        error = ModelNotFound("no such model")

        def fails(what: object) -> None:
            raise error

        try:
            fails(object())
        except ModelNotFound:
            told = judged(Failure(), Logger(), "a test")
        self.assertIs(told, error)
        self.assertIsNone(told.__traceback__)
