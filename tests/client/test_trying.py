"""How a call is carried out: what is sent, waited for, and sent again."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.client.calls import Call, ProcessorCalls
from kato.client.trying import (
    ForeignAnswer,
    Lost,
    NoAnswer,
    Patience,
    Pause,
    Request,
    Response,
    Trying,
    trying,
)
from kato.errors import (
    Conflict,
    KatoError,
    ModelNotFound,
    PayloadTooLarge,
    StorageUnavailable,
    Timeout,
    TooManyRequests,
)

LEARNED = {"status": "okay", "model_name": "MODEL|x"}


def response(
    status: int, told: object, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """An answer of a server."""
    return Response(status, headers, json.dumps(told).encode())


def error(code: str, **more: object) -> dict[str, object]:
    """The envelope of an error."""
    return {"status": "error", "message": f"it is {code}", "error_code": code, **more}


class TryingTests(SynchronousTestCase):
    """L{trying}."""

    def begin(
        self, call: Call[Any] | None = None, key: str | None = None, again: int = 6
    ) -> Trying[Any]:
        return trying(
            call or ProcessorCalls("p1").learn(),
            key=key,
            patience=Patience(again),
            random=lambda: 0.5,
            make_id=iter(["made 1", "made 2"]).__next__,
        )

    def result(self, steps: Trying[Any], came: Response) -> Any:
        """What a call gives once this has come."""
        with self.assertRaises(StopIteration) as done:
            steps.send(came)
        return done.exception.value

    def test_success(self) -> None:
        """A call is sent once where it succeeds, and gives its result."""
        steps = self.begin(ProcessorCalls("p1").observe(["ä"]), key="sesame")
        request = next(steps)
        assert isinstance(request, Request)
        self.assertEqual((request.method, request.path), ("POST", "/p1/observe"))
        self.assertEqual(request.body, '{"strings":["ä"]}'.encode())
        self.assertEqual(request.headers["Authorization"], "Bearer sesame")
        told = {"status": "okay", "unique_id": "u", "interval": 3, "later": "unknown"}
        observed = self.result(steps, response(200, told))
        self.assertEqual((observed.unique_id, observed.interval), ("u", 3))

    def test_ids(self) -> None:
        """What changes something goes under one id, however often; what reads has none."""
        steps = self.begin()
        first = next(steps)
        self.assertIsInstance(steps.send(Lost("gone")), Pause)
        self.assertIs(next(steps), first)
        assert isinstance(first, Request)
        self.assertEqual(first.headers["Idempotency-Key"], "made 1")
        self.assertEqual(self.result(steps, response(200, LEARNED)), "MODEL|x")
        reads = next(self.begin(ProcessorCalls("p1").status()))
        assert isinstance(reads, Request)
        self.assertNotIn("Idempotency-Key", reads.headers)
        own = next(self.begin(ProcessorCalls("p1").learn(request_id="mine")))
        assert isinstance(own, Request)
        self.assertEqual(own.headers["Idempotency-Key"], "mine")

    def test_pauses(self) -> None:
        """Pauses double, half of each being chance, and are as long as the server says at least."""
        steps = self.begin()
        next(steps)
        seconds = []
        busy = response(503, error("STORAGE_UNAVAILABLE"))
        later = response(429, error("TOO_MANY_REQUESTS"), {"retry-after": "7"})
        for came in (Lost("gone"), busy, busy, later, busy):
            pause = steps.send(came)
            assert isinstance(pause, Pause)
            seconds.append(round(pause.seconds, 3))
            next(steps)
        self.assertEqual(seconds, [0.075, 0.15, 0.3, 7, 1.2])
        self.assertEqual(self.result(steps, response(200, LEARNED)), "MODEL|x")

    def test_gives_up(self) -> None:
        """Who has tried often enough is told the last error."""
        for came, expected in (
            (Lost("gone"), NoAnswer),
            (response(503, error("STORAGE_UNAVAILABLE")), StorageUnavailable),
            (response(504, error("TIMEOUT", outcome="unknown")), Timeout),
        ):
            steps = self.begin(again=1)
            next(steps)
            steps.send(came)
            next(steps)
            self.assertRaises(expected, steps.send, came)

    def test_too_long(self) -> None:
        """Who is told to come back much later is told the error at once."""
        steps = self.begin()
        next(steps)
        told = response(429, error("TOO_MANY_REQUESTS"), {"retry-after": "3600"})
        raised = self.assertRaises(TooManyRequests, steps.send, told)
        self.assertEqual(raised.retry_after, 3600)

    def test_errors(self) -> None:
        """What will fail again is raised at once, by the name of its code."""
        for status, code, expected in (
            (404, "MODEL_NOT_FOUND", ModelNotFound),
            (409, "CONFLICT", Conflict),
            (413, "PAYLOAD_TOO_LARGE", PayloadTooLarge),
            (418, "TEAPOT", KatoError),
        ):
            steps = self.begin()
            next(steps)
            raised = self.assertRaises(expected, steps.send, response(status, error(code)))
            self.assertEqual(raised.message, f"it is {code}")

    def test_outcome(self) -> None:
        """An error says whether the change may have been made."""
        steps = self.begin(again=0)
        next(steps)
        told = response(504, error("TIMEOUT", outcome="unknown"))
        self.assertTrue(self.assertRaises(Timeout, steps.send, told).outcome_unknown)

    def test_unknown(self) -> None:
        """An error that a newer server has keeps its code."""
        steps = self.begin()
        next(steps)
        raised = self.assertRaises(KatoError, steps.send, response(418, error("TEAPOT")))
        self.assertEqual((raised.error_code, KatoError.error_code), ("TEAPOT", "INTERNAL_ERROR"))

    def test_doubt(self) -> None:
        """Once a change may have arrived, what follows and says nothing of it leaves that open;
        what reads changes nothing, and who was not reached did nothing."""
        busy = response(503, error("STORAGE_UNAVAILABLE"))
        for call, came, unknown in (
            (ProcessorCalls("p1").learn(), (Lost("gone"), Lost("refused", sent=False)), True),
            (ProcessorCalls("p1").learn(), (Lost("gone"), busy), True),
            (ProcessorCalls("p1").learn(), (busy, Lost("refused", sent=False)), False),
            (ProcessorCalls("p1").status(), (Lost("gone"), Lost("gone")), False),
        ):
            steps = self.begin(call, again=1)
            next(steps)
            pause = steps.send(came[0])
            assert isinstance(pause, Pause)
            next(steps)
            raised = self.assertRaises(KatoError, steps.send, came[1])
            self.assertEqual(raised.outcome_unknown, unknown)

    def test_others(self) -> None:
        """Of what another program answers status and type are told, and no more."""
        for came in (
            Response(502, {"content-type": "text/html"}, b"<h1>Bad gateway"),
            Response(200, {"content-type": "text/html"}, b"<h1>Hello"),
            response(200, [1]),
            response(200, {"detail": "Hello"}),
            response(200, {"status": "UP", "model_name": "x"}),
            response(404, {"detail": "Not Found"}),
            response(404, {"error_code": 404, "message": "Not Found"}),
            response(404, {"error_code": ["NONE"], "message": "Not Found"}),
        ):
            steps = self.begin()
            next(steps)
            raised = self.assertRaises(ForeignAnswer, steps.send, came)
            what = came.headers.get("content-type")
            what = repr(what) if what else "a body of no type"
            told = f"what answers is no server of KATO's: HTTP {came.status} with {what}"
            self.assertEqual(raised.message, told)
            self.assertEqual(raised.outcome_unknown, came.status == 502)
