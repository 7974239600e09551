"""A gateway in memory that is asked documents over HTTP."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato.settings import Settings
from tests.doubles import at_once
from tests.graphql.documents import answered, asked
from tests.rest.talking import PEER, Answer, Wire, read_answers, request
from tests.websocket.memory import System

JSON = "Content-Type: application/json"


class Asking(SynchronousTestCase):
    """Tests on a gateway in memory."""

    settings = Settings()
    in_thread: Callable[[Callable[[], Any]], "Deferred[Any]"] = staticmethod(at_once)

    def setUp(self) -> None:
        self.system = System(self, self.settings, in_thread=self.in_thread)

    def send(self, raw: bytes) -> Answer:
        """Send a request over a connection of its own; gives its answer."""
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(PEER)
        assert channel is not None
        channel.makeConnection(wire)
        channel.dataReceived(raw)
        while not wire.value():
            self.system.clock.advance(0.1)
        [answer] = read_answers(wire.value(), [raw.split(b" ")[0].decode()])
        return answer

    def post(self, body: object, *headers: str) -> Answer:
        """Send a body, as JSON unless it is bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(request("POST", "/graphql", raw, *(headers or (JSON,))))

    def get(self, *headers: str, **query: str) -> Answer:
        """Ask by an address."""
        path = f"/graphql?{urlencode(query)}" if query else "/graphql"
        return self.send(request("GET", path, None, *headers))

    def result(self, query: str, **variables: Any) -> dict[str, Any]:
        """What comes of a document, errors and all."""
        return self.post({"query": query, "variables": variables}).json

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """What comes of a document that must succeed."""
        result = self.result(query, **variables)
        self.assertNotIn("errors", result)
        data: dict[str, Any] = result["data"]
        return data

    def refusal(self, query: str, **variables: Any) -> str:
        """The message of the only error of a document."""
        [error] = self.result(query, **variables)["errors"]
        return str(error["message"])

    def ask(
        self, operation: str, processor: str | None = "p1", key: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """Ask one operation; gives what is answered as other transports tell it."""
        headers = [JSON] if key is None else [JSON, f"X-API-Key: {key}"]
        answer = self.post(asked(operation, params, processor), *headers).json
        if "errors" not in answer and "data" not in answer:
            return answer
        return answered(operation, answer)
