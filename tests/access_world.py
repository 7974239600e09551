"""One gateway in memory that is spoken to over every transport, with any key."""

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kato import suspicion
from kato.commands import Command, Reply
from kato.key_file import StoredKey
from kato.keys import digest
from kato.messagepack import pack, unpack
from kato.policy import Key
from kato.protocols.rest.routes import ROUTES, Body
from kato.protocols.zmq.addresses import BoundPort
from kato.settings import Settings
from kato.zmq_hosting import ZmqPorts
from tests.graphql.documents import answered, asked
from tests.rest.talking import PEER, Wire, read_answers, request
from tests.websocket.memory import Client, System
from tests.zmq.memory import MemorySockets
from tests.zmq.publishing import Port

Answer = Mapping[str, Any]

_ROUTES = {route.serves: route for route in reversed(ROUTES) if "{processor}" in route.path}


class World:
    """A gateway with keys, in which C{p1} and C{p2} exist, and C{p3} does not."""

    def __init__(self, case: SynchronousTestCase, keys: Mapping[str, Key]) -> None:
        """@param keys: what they may do, by themselves."""
        case.patch(suspicion, "FREE", 10**9)  # wrong keys are answered at once here
        stored = tuple(StoredKey(digest(token.encode()), key) for token, key in keys.items())
        router, events = (cast(BoundPort, Port(number)) for number in (5555, 5556))
        ports = ZmqPorts(router, events)
        self._case = case
        self.system = System(case, Settings(keys=stored), zmq=ports)
        self.network = MemorySockets(self.system.clock)
        server, publisher = self.system.parts.server, self.system.parts.publisher
        assert server is not None and publisher is not None
        server.open(self.network, router)
        publisher.open(self.network, events)
        case.addCleanup(publisher.close)
        self._came: list[list[bytes]] = []
        self._dealer = self.network.dealer(
            router.address, received=self._came.append, up=lambda: None, down=case.fail
        )
        self._clients: dict[str | None, Client] = {}
        self.model = ""

    def do(self, operation: str, processor: str | None, **params: object) -> Reply:
        """Do something as the server itself."""
        command = Command.parse(operation, params, processor)
        answer: Deferred[Reply] = self.system.parts.dispatch.ask(command)
        reply: Reply = self._case.successResultOf(answer)
        return reply

    def prepare(self) -> None:
        """See that there are C{p1} and C{p2}, each with a model and something observed, and no
        C{p3}."""
        known = {each["id"] for each in self.do("list_processors", None).fields["processors"]}
        if "p3" in known:
            self.do("delete_processor", "p3")
        for processor in ("p1", "p2"):
            learned = self.do(
                "observe_sequence",
                processor,
                observations=[{"strings": ["a"]}, {"strings": ["b"]}],
                learn_at_end=True,
            )
            [self.model] = learned.fields["learned_models"]
            self.do("observe", processor, strings=["a", "b"])

    # How it is spoken to

    def rest(
        self, key: str | None, operation: str, processor: str, params: Mapping[str, Any]
    ) -> tuple[int, Answer, bytes]:
        """Ask over REST; gives the status, the answer, and all of its bytes."""
        route = _ROUTES[operation]
        words = {"processor": processor, **params}
        path, rest = route.path, dict(params)
        for word in ("processor", "gene", "model_name"):
            if f"{{{word}}}" in path:
                path = path.replace(f"{{{word}}}", quote(str(words[word]), safe=""))
                rest.pop(word, None)
        body = None if route.body is Body.NONE else json.dumps(rest).encode()
        return self.get(key, route.method, path, body)

    def get(
        self, key: str | None, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, Answer, bytes]:
        """Ask for a path over REST."""
        headers = ["X-Request-ID: the-test"] + ([] if key is None else [f"X-API-Key: {key}"])
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(PEER)
        assert channel is not None
        channel.makeConnection(wire)
        channel.dataReceived(request(method, path, body, *headers))
        raw = wire.value()
        [answer] = read_answers(raw)
        return answer.status, answer.json, raw

    def graphql(
        self, key: str | None, operation: str, processor: str, params: Mapping[str, Any]
    ) -> Answer:
        """Ask by a document; gives what is answered as other transports tell it."""
        headers = ["Content-Type: application/json"]
        headers += [] if key is None else [f"X-API-Key: {key}"]
        body = json.dumps(asked(operation, params, processor)).encode()
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(PEER)
        assert channel is not None
        channel.makeConnection(wire)
        channel.dataReceived(request("POST", "/graphql", body, *headers))
        self.system.flush()
        [answer] = read_answers(wire.value())
        told = answer.json
        return told if "status" in told else answered(operation, told)

    def websocket(self, key: str | None) -> Client:
        """The connection of who has a key."""
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = self.system.connect()
            if key is not None:
                client.ask(method="authenticate", params={"api_key": key})
        return client

    def zmq(self, key: str | None, value: Mapping[str, Any], *before: bytes) -> Answer:
        """Ask over ZeroMQ."""
        named = {} if key is None else {"api_key": key}
        self._dealer.send([*before, pack({**value, **named})])
        self.network.pump()
        [frames] = self._came
        self._came.clear()
        answer = unpack(frames[-1])
        assert isinstance(answer, dict)
        return answer
