"""WebSockets of a gateway in memory, by each sub-protocol, with keys that are told in each way."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kato.messagepack import unpack
from tests.graphql.documents import answered, asked
from tests.websocket.memory import Client, System

Answer = Mapping[str, Any]

JSON, MESSAGEPACK, GRAPHQL = "kato.v1.json", "kato.v1.msgpack", "graphql-transport-ws"
SUB_PROTOCOLS = (JSON, MESSAGEPACK, GRAPHQL)

_NO_KEY = frozenset({4401, 4403})
"""The codes with which a connection is closed whose key is none."""


class Way(NamedTuple):
    """A transport, or a sub-protocol of one, and how the key is told there."""

    transport: str
    telling: str


class Said(NamedTuple):
    """An answer, as all transports would tell it, and just as it came."""

    answer: Answer
    raw: bytes

    @property
    def outcome(self) -> str:
        """C{okay}, or the code of the error."""
        code: str = self.answer.get("error_code", self.answer["status"])
        return code


def told_by_header(telling: str, key: str | None) -> dict[str, str]:
    """The headers that tell a key, where headers do."""
    if key is None or telling not in ("X-API-Key", "Authorization"):
        return {}
    return {telling: f"Bearer {key}" if telling == "Authorization" else key}


class Streams:
    """The connections of one client, who has one key at a time."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._key: str | None = None
        self._open: dict[Way, Client] = {}

    def client(self, way: Way, key: str | None) -> Client:
        """The connection on which this key was told in this way."""
        if key != self._key:
            self._leave()
            self._key = key
        client = self._open.get(way)
        if client is None:
            client = self._open[way] = self._connect(way, key)
        return client

    def _leave(self) -> None:
        for each in self._open.values():
            if each.speaker.opened and each.closed is None:
                each.cut()
            self._system.clients.remove(each)
        self._open.clear()

    def _connect(self, way: Way, key: str | None) -> Client:
        told = [f"kato.key.{key}"] if way.telling == "kato.key" and key is not None else []
        client = self._system.connect(
            *(way.transport, *told),
            headers=told_by_header(way.telling, key),
            path="/graphql" if way.transport == GRAPHQL else "/ws",
        )
        if way.telling == "authenticate" and key is not None:
            client.ask(method="authenticate", params={"api_key": key})
        if way.transport == GRAPHQL and client.speaker.opened and client.closed is None:
            tells = way.telling == "connection_init" and key is not None
            client.say(type="connection_init", **({"payload": {"apiKey": key}} if tells else {}))
            client.told()
        return client

    def ask(
        self,
        way: Way,
        key: str | None,
        operation: str,
        processor: str | None,
        params: Mapping[str, Any],
    ) -> Said:
        """Ask for an operation."""
        client = self.client(way, key)
        if way.transport == GRAPHQL:
            return _operated(client, operation, asked(operation, params, processor))
        whose = {} if processor is None else {"processor": processor}
        return _answered(client, {"method": operation, **whose, "params": params})

    def subscribe(
        self, way: Way, key: str | None, processor: str | None, params: Mapping[str, Any]
    ) -> Said:
        """Listen to a processor, or to which there are."""
        client = self.client(way, key)
        if way.transport == GRAPHQL:
            return _operated(client, "subscribe", _subscription(processor, params), name="s")
        whose = {} if processor is None else {"processor": processor}
        return _answered(client, {"method": "subscribe", **whose, "params": params})

    def unsubscribe(self, way: Way, key: str | None, processor: str | None) -> None:
        """Listen no more."""
        client = self.client(way, key)
        if way.transport == GRAPHQL:
            client.say(id="s", type="complete")
        else:
            whose = {} if processor is None else {"processor": processor}
            client.ask(method="unsubscribe", **whose)

    def heard(self, way: Way, key: str | None) -> list[Mapping[str, Any]]:
        """The events that came meanwhile."""
        told = self.client(way, key).told()
        if way.transport != GRAPHQL:
            return list(told)
        return [next(iter(each["payload"]["data"].values())) for each in told]


def _refused(client: Client) -> Said | None:
    """What it comes to where no conversation was begun."""
    if not client.speaker.opened:
        why = client.speaker.wasNotCleanReason or ""
        assert "401" in why, why
    elif client.closed is not None:
        code, reason = client.closed
        assert code in _NO_KEY, client.closed
        why = reason or ""
    else:
        return None
    return Said({"status": "error", "error_code": "UNAUTHORIZED"}, why.encode())


def _answered(client: Client, request: Mapping[str, Any]) -> Said:
    refused = _refused(client)
    if refused is not None:
        return refused
    client.ask(**request)
    raw, binary = client.speaker.messages[-1]
    answer = unpack(raw) if binary else json.loads(raw)
    assert isinstance(answer, dict)
    return Said(answer, raw)


def _operated(client: Client, operation: str, payload: Mapping[str, Any], name: str = "o") -> Said:
    refused = _refused(client)
    if refused is not None:
        return refused
    client.say(id=name, type="subscribe", payload=payload)
    before, told = len(client.speaker.messages), client.told()
    raw = b"".join(body for body, _ in client.speaker.messages[before - len(told) :])
    first = told[0]
    if first["type"] == "error":
        return Said(answered(operation, {"errors": first["payload"]}), raw)
    if operation == "subscribe":
        return Said({"status": "okay", **next(iter(first["payload"]["data"].values()))}, raw)
    return Said(answered(operation, first["payload"]), raw)


def _subscription(processor: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """A document that asks for events; C{params} are C{since} and C{epoch} as other sub-protocols
    have them."""
    since = {"offset": params["since"], "epoch": params["epoch"]} if params else None
    fields = """{ __typename processor offset ... on Subscribed { recovered }
        ... on ProcessorEvent { change } }"""
    if processor is None:
        query = f"subscription ($since: Position) {{ processors(since: $since) {fields} }}"
    else:
        query = f"""subscription ($since: Position, $id: ID!) {{
            events(processor: $id, since: $since) {fields} }}"""
    return {"query": query, "variables": {"since": since, "id": processor}}
