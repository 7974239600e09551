"""What a service elsewhere adds: a wire that may be lost, and whatever comes over it (SPEC 8)."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command, Reply
from kato.errors import BY_CODE, InternalError, KatoError, ProcessorUnavailable
from tests.contract.systems import InMemory, System, answer_of, command
from tests.engine.worlds import CHANGES

_NAMED = frozenset({"update_model", "delete_model"})
_STEPS: st.SearchStrategy[Any] = st.lists(
    CHANGES.filter(lambda change: change[0] not in _NAMED)
    | st.sampled_from(["cut", "cut", "pump", "pump", "wait"]),
    max_size=40,
)


class RemoteCase(SynchronousTestCase):
    """A worker behind a ROUTER in memory."""

    def setUp(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new worker, with all that lies before it."""
        self.system = InMemory()
        self.successResultOf(Deferred.fromCoroutine(self.system.start()))
        self.system.network.pump()

    def result(self, asked: "Deferred[Reply]") -> Any:
        """What is answered, or the failure."""
        results: list[Any] = []
        asked.addBoth(results.append)
        self.system.network.pump()
        [result] = results
        return result


class ErrorTests(RemoteCase):
    """Errors on their way."""

    def failing_with(self, error: Exception) -> Any:
        """What who asked sees, where the worker fails with this."""
        self.patch(self.system.worker, "ask", lambda _: fail(error))
        result = self.result(self.system.processors.ask(command("learn")))
        assert isinstance(result, Failure)
        return result.value

    def test_every_error(self) -> None:
        """Whatever error there is comes as it was, with all that it tells."""
        self.assertGreater(len(BY_CODE), 15)
        for code, cls in BY_CODE.items():
            for retry_after, unknown in ((None, False), (7, True)):
                sent = cls(f"{code} ✓", retry_after=retry_after, outcome_unknown=unknown)
                error = self.failing_with(sent)
                self.assertIs(type(error), cls)
                self.assertEqual(
                    (error.message, error.retry_after, error.outcome_unknown),
                    (sent.message, retry_after, unknown),
                )

    def test_defect(self) -> None:
        """A defect comes as a reference into the log of the service, and says nothing of itself."""
        error = self.failing_with(RuntimeError("a secret"))
        self.assertIsInstance(error, InternalError)
        self.assertIn("logged under", error.message)
        self.assertNotIn("secret", error.message)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class WireTests(RemoteCase):
    """A connection that is lost at any moment."""

    @settings(deadline=None, max_examples=150)
    @given(_STEPS)
    def test_once_and_in_order(self, steps: list[Any]) -> None:
        """Whenever connections are lost, what was asked happens once, in the order in which it was
        asked, and is answered as by a worker to which no wire leads; or it is refused, and then
        did not happen.  The processor is there from the beginning: an error is not remembered, and
        what failed for want of a processor may succeed when it is sent again."""
        self.begin()
        self.result(self.system.processors.ask(command("create_processor")))
        asked: list[tuple[Command, list[Any]]] = []
        for step in steps:
            if isinstance(step, str):
                getattr(self, step)()
            else:
                asked.append(self.ask(step))
        for _ in range(20):
            self.wait()
        self.judge(asked)

    def ask(self, step: Any) -> tuple[Command, list[Any]]:
        operation, params, request_id = step
        sent = command(operation, params, request_id=request_id)
        results: list[Any] = []
        self.system.processors.ask(sent).addBoth(results.append)
        return sent, results

    def cut(self) -> None:
        self.system.network.cut(self.system.address)

    def pump(self) -> None:
        self.system.network.pump()

    def wait(self) -> None:
        self.system.moved.advance(0.5)
        self.pump()

    def judge(self, asked: list[tuple[Command, list[Any]]]) -> None:
        """Hold it against a worker that is asked what was not refused."""
        reference = InMemory()
        self.successResultOf(Deferred.fromCoroutine(reference.start()))
        reference.worker.ask(command("create_processor"))
        for sent, results in asked:
            [result] = results
            if isinstance(result, Failure) and result.check(ProcessorUnavailable):
                self.assertIn("not done", str(result.value))
                continue
            expected: list[Any] = []
            reference.worker.ask(sent).addBoth(expected.append)
            self.assertEqual(_told(result), _told(expected[0]))
        self.assertEqual(self.state(self.system), self.state(reference))

    def state(self, system: System) -> list[Any]:
        told = []
        for operation in ("get_cognition_data", "list_models", "get_genes", "get_percept_data"):
            results: list[Any] = []
            system.worker.ask(command(operation)).addBoth(results.append)
            told.append(_told(results[0]))
        return told


def _told(result: Any) -> Any:
    """An answer without its time, or what an error tells."""
    if isinstance(result, Reply):
        return {key: value for key, value in answer_of(result).items() if key != "time_stamp"}
    error = result.value
    assert isinstance(error, KatoError), result
    return error.error_code, error.message
