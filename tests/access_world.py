"""One gateway in memory that is spoken to over every transport, with any key, told in any way."""

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
from tests.access_streams import (
    GRAPHQL,
    SUB_PROTOCOLS,
    Answer,
    Said,
    Streams,
    Way,
    told_by_header,
)
from tests.graphql.documents import answered, asked
from tests.rest.talking import PEER, Wire, read_answers, request
from tests.websocket.memory import System
from tests.zmq.memory import MemorySockets
from tests.zmq.publishing import Port

Params = Mapping[str, Any]

_HEADERS = ("X-API-Key", "Authorization")

_TELLINGS: Mapping[str, tuple[str, ...]] = {
    "rest": _HEADERS,
    "graphql": _HEADERS,
    **dict.fromkeys(SUB_PROTOCOLS, ("authenticate", *_HEADERS, "kato.key")),
    GRAPHQL: ("connection_init", *_HEADERS, "kato.key"),
    "zmq": ("api_key",),
}

WAYS = tuple(Way(transport, each) for transport, all_ in _TELLINGS.items() for each in all_)
"""Every transport, with every way to tell it a key."""

USUAL = tuple(Way(transport, all_[0]) for transport, all_ in _TELLINGS.items())
"""Every transport, with one of them."""

LISTENING = tuple(way for way in WAYS if way.transport in SUB_PROTOCOLS)
"""Those on which clients can subscribe."""

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
        self.streams = Streams(self.system)
        self.model = ""

    def do(self, operation: str, processor: str | None, **params: object) -> Reply:
        """Do something as the server itself."""
        command = Command.parse(operation, params, processor)
        answer: Deferred[Reply] = self.system.parts.dispatch.ask(command)
        reply: Reply = self._case.successResultOf(answer)
        return reply

    @property
    def processors(self) -> list[str]:
        """Those that exist."""
        return [each["id"] for each in self.do("list_processors", None).fields["processors"]]

    def prepare(self) -> None:
        """See that there are C{p1} and C{p2}, each with a model and something observed, and no
        C{p3}."""
        known = self.processors
        if "p3" in known:
            self.do("delete_processor", "p3")
        for processor in ("p1", "p2"):
            if processor in known:
                self.do("clear_short_term_memory", processor)
            learned = self.do(
                "observe_sequence",
                processor,
                observations=[{"strings": ["a"]}, {"strings": ["b"]}],
                learn_at_end=True,
            )
            [self.model] = learned.fields["learned_models"]
            self.do("observe", processor, strings=["a", "b"])

    def state(self) -> object:
        """All that clients can change."""
        looks = ("get_status", "get_genes", "get_short_term_memory", "list_models")
        return {
            processor: [self.do(look, processor).fields for look in looks]
            for processor in self.processors
        }

    # How it is spoken to

    def ask(
        self, way: Way, key: str | None, operation: str, processor: str | None, params: Params
    ) -> Said:
        """Ask for an operation."""
        if way.transport == "rest":
            return self._rest(way, key, operation, processor, params)
        if way.transport == "graphql":
            return self._graphql(way, key, operation, processor, params)
        if way.transport == "zmq":
            whose = {} if processor is None else {"processor": processor}
            return self.zmq(key, {"method": operation, **whose, "params": params})
        return self.streams.ask(way, key, operation, processor, params)

    def _rest(
        self, way: Way, key: str | None, operation: str, processor: str | None, params: Params
    ) -> Said:
        if processor is None:
            return self.get(key, "GET", _PAGES[operation] + _query(params), telling=way.telling)
        route = _ROUTES[operation]
        words = {"processor": processor, **params}
        path, rest = route.path, dict(params)
        for word in ("processor", "gene", "model_name"):
            if f"{{{word}}}" in path:
                path = path.replace(f"{{{word}}}", quote(str(words[word]), safe=""))
                rest.pop(word, None)
        body = None if route.body is Body.NONE else json.dumps(rest).encode()
        return self.get(key, route.method, path, body, telling=way.telling)

    def get(
        self,
        key: str | None,
        method: str,
        path: str,
        body: bytes | None = None,
        *more: str,
        telling: str = "X-API-Key",
    ) -> Said:
        """Ask for a path over HTTP; all of the answer's bytes are told.

        @param more: headers.
        """
        headers = [f"{name}: {value}" for name, value in told_by_header(telling, key).items()]
        wire = Wire()
        channel = self.system.parts.site.buildProtocol(PEER)
        assert channel is not None
        channel.makeConnection(wire)
        channel.dataReceived(request(method, path, body, "X-Request-ID: the-test", *headers, *more))
        self.system.flush()
        raw = wire.value()
        [answer] = read_answers(raw)
        is_json = "json" in answer.headers["content-type"]
        return Said(answer.json if is_json else {"status": "okay"}, raw)

    def _graphql(
        self, way: Way, key: str | None, operation: str, processor: str | None, params: Params
    ) -> Said:
        body = json.dumps(asked(operation, params, processor)).encode()
        said = self.get(
            *(key, "POST", "/graphql", body, "Content-Type: application/json"), telling=way.telling
        )
        told = said.answer
        return said if "status" in told else Said(answered(operation, told), said.raw)

    def zmq(self, key: str | None, value: Params, *before: bytes) -> Said:
        """Ask over ZeroMQ."""
        named = {} if key is None else {"api_key": key}
        self._dealer.send([*before, pack({**value, **named})])
        self.network.pump()
        [frames] = self._came
        self._came.clear()
        answer = unpack(frames[-1])
        assert isinstance(answer, dict)
        return Said(answer, frames[-1])


_PAGES = {"list_processors": "/processors", "ping": "/kato-api/ping"}


def _query(params: Params) -> str:
    return "?" + "&".join(f"{key}={value}" for key, value in params.items()) if params else ""


def listed(answer: Answer) -> list[str]:
    """The ids in a list of processors, whatever it came over."""
    lines = answer["nodes"] if "nodes" in answer else answer["processors"]
    return [each["id"] for each in lines]
