"""Readers of what happens to a processor, who are cut off again and again."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha1
from typing import Any

from websocket import WebSocketConnectionClosedException, WebSocketException

from tests.live.account import Account
from tests.live.life import Life, trying
from tests.live.streaming import JSON, MESSAGEPACK, Gone, Stream

Event = dict[str, Any]

_NARROW = 4096
"""So many bytes wait unread at a reader: the server notices soon that it does not read."""

_LOST = (ConnectionError, WebSocketConnectionClosedException)
"""What is raised where the connection is lost already."""

_NOT_NOW = ("PROCESSOR_UNAVAILABLE", "TIMEOUT")
"""Errors after which one asks again."""


class Reader:
    """Reads all that is told of the processor, and keeps account of it."""

    def __init__(self, life: Life, port: Callable[[], int], chance: random.Random) -> None:
        """@param port: where the server is, or the gateway, that there is now."""
        self.accounts: list[Account] = []
        self.recovered: list[bool] = []
        """What each subscription but the first was told."""
        self.statuses: list[Event] = []
        """What it was told of the service."""
        self.said: dict[tuple[str, str, int], str] = {}
        """What each event said, in short, by its epoch, topic and offset."""
        self._life = life
        self._port = port
        self._chance = chance
        self._stream = self._connected()

    @property
    def account(self) -> Account:
        """Of the epoch that there is now."""
        return self.accounts[-1]

    # Connections

    def _connected(self) -> Stream:
        """Connect, with either sub-protocol, and be told what was missed."""
        for _ in trying(self._life):
            with suppress(OSError, WebSocketException, Gone):
                protocol = self._chance.choice((JSON, MESSAGEPACK))
                stream = Stream(self._port(), protocol, room=_NARROW)
                if self._subscribe(stream):
                    return stream
                stream.close()
        raise AssertionError("never connected")

    def _subscribe(self, stream: Stream) -> bool:
        params = self.account.params if self.accounts else {}
        answer = stream.ask("subscribe", self._life.processor, params)
        if answer.get("error_code") in _NOT_NOW:
            return False
        assert answer["status"] == "okay", answer
        if self.accounts:
            self.recovered.append(answer["recovered"])
        if self.accounts and answer["recovered"]:
            assert answer["epoch"] == self.account.epoch, answer
            self.account.connected()
        else:
            self.accounts.append(Account(answer["epoch"], answer["offset"]))
        return True

    def again(self) -> None:
        """The connection is lost: make another."""
        self._stream = self._connected()

    def close(self) -> None:
        """Go away."""
        self._stream.close()

    # Reading

    def read(self) -> Event:
        """Read the next event, over a new connection where the one that there was is lost."""
        while True:
            try:
                event = self._stream.event()
            except Gone:
                self.again()
            else:
                self._take(event)
                return event

    def _take(self, event: Event) -> None:
        if event["event"] != "status":
            self.account.take(event)
            key = (self.account.epoch, event["event"], event["offset"])
            self.said[key] = _short(event["data"])
        else:
            self.statuses.append(event["data"])
            if event["data"].get("recovered") is False:
                self.accounts.append(Account(event["data"]["epoch"], event["offset"]))
        self._life.follow(self, self.account.offset)

    def until_anew(self) -> None:
        """Read until it is told that another epoch has begun."""
        before = len(self.accounts)
        while len(self.accounts) == before:
            self.read()

    def read_to_the_end(self) -> None:
        """Read until predictions were told after all that happened."""
        while self._life.last is None or self.account.newest["predictions"] < self._life.last:
            self.read()


def _short(data: Event) -> str:
    return sha1(json.dumps(data, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


class Unlucky(Reader):
    """A reader that loses its connection at random moments."""

    def __init__(self, life: Life, port: Callable[[], int], chance: random.Random) -> None:
        self.cuts = 0
        self.passed_over = 0
        """How often it was told, without having been cut off, that something was passed over."""
        self._ways: list[Callable[[], None]] = []
        self._all_ways = (
            self._between_messages,
            self._within_a_message,
            self._while_it_speaks,
            self._before_it_is_answered,
            self._without_reading,
            self._after_a_gap,
        )
        super().__init__(life, port, chance)

    def be_cut(self) -> None:
        """Read for a while, then lose the connection, one way or other, each in its turn."""
        for _ in range(self._chance.randrange(40)):
            self.read()
        if not self._ways:
            self._ways = self._chance.sample(self._all_ways, k=len(self._all_ways))
        with suppress(*_LOST):
            self._ways.pop()()
        self._stream.abort()
        self.cuts += 1
        self.again()

    def _between_messages(self) -> None:
        """Nothing more is done before."""

    def _within_a_message(self) -> None:
        """Some of what comes is read, and lost."""
        self._stream.read_bytes(self._chance.randrange(1, 5_000))

    def _while_it_speaks(self) -> None:
        """Half a frame is sent."""
        self._stream.socket.sendall(b"\x81\xfe\x02"[: self._chance.randrange(1, 4)])

    def _before_it_is_answered(self) -> None:
        """The connection after this one is cut as well, before anything is read."""
        self._stream.abort()
        for _ in trying(self._life):
            with suppress(OSError, WebSocketException):
                self._stream = Stream(self._port(), room=_NARROW)
                break
        self._stream.request("subscribe", self._life.processor, self.account.params)

    def _without_reading(self) -> None:
        """It has not read for so long that events were passed over."""
        self._life.until_passed_over()

    def _after_a_gap(self) -> None:
        """As before, but then it reads on, and is told so."""
        self._life.until_passed_over()
        until = len(self._life.topics)
        while self.account.offset < until:
            if self.read().get("skipped"):
                self.passed_over += 1
                break
