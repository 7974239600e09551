"""Where a request came in."""

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command
from kato.errors import InvalidRequest
from kato.limits import Limits
from kato.origin import Origin
from kato.requests import Request, request_map


class OriginTests(SynchronousTestCase):
    """L{Origin}."""

    def test_handed_on(self) -> None:
        """A gateway hands on where a request came in, and the service reads the same."""
        for origin in (Origin("rest", "4f-1", "dashboards"), Origin("zmq", "x" * 128)):
            command = Command.parse("learn", processor="p1").asked(origin)
            request = Request.parse(request_map(command))
            self.assertEqual(request.origin, origin)
            self.assertEqual(
                request.command(lambda: None, Limits()).asked(request.origin).origin, origin
            )

    def test_client(self) -> None:
        """The address of who asked is handed on to nobody."""
        origin = Origin("websocket", "1", "k", "192.0.2.1")
        self.assertEqual(Origin.parse(origin.sent()), Origin("websocket", "1", "k"))

    def test_same_request(self) -> None:
        """A request is the same wherever it comes in."""
        command = Command.parse("learn", processor="p1")
        self.assertEqual(command, command.asked(Origin("rest", "1")))
        self.assertEqual(command.digest(), command.asked(Origin("rest", "1")).digest())

    def test_refusals(self) -> None:
        """What is no origin is refused, and the field named."""
        for raw, why in (
            ([], "origin: expected"),
            ({"id": "1"}, "origin.transport: expected a string, got null"),
            ({"transport": "rest", "id": ""}, "origin.id: expected 1 to 128 printable characters"),
            ({"transport": "rest", "id": "a\nb"}, "origin.id: expected 1 to 128 printable"),
            ({"transport": "rest", "id": "1", "key": "x" * 65}, "origin.key: expected 1 to 64"),
            ({"transport": "rest", "id": "1", "who": "me"}, "origin.who: unknown key"),
        ):
            error = self.assertRaises(InvalidRequest, Origin.parse, raw)
            self.assertTrue(error.message.startswith(why), error.message)
