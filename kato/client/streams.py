"""A stream of events, without any I/O: what is said on a connection, and what comes of it (SPEC 9).

The connection may be lost and made again: a L{Stream} remembers how far it had come, asks for what
was missed, and tells nothing twice.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kato.client.given import listed, processor_id
from kato.client.trying import AGAIN, NoAnswer, error_of, foreign
from kato.errors import KatoError, Unauthorized

FRESH = "fresh"
"""The topic of what a stream tells by itself: the state must be read anew, at first, and where what
was missed cannot be told any more."""

PROTOCOL = "kato.v1.json"
"""The sub-protocol that is spoken."""

MAX_MESSAGE = 64 * 2**20
"""How many bytes a message of the server may have: events are as large as what they tell."""

NO_KEY = 4401
"""With this a server closes the connection of who has told no key that it knows."""
_UNAUTHORIZED = 401
_NOW = frozenset({1001, 1006, 4008})
_FIRST, _LONGEST = 0.25, 8.0
_COUNTED = ("observations", "predictions")


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something that happened to a processor.

    C{topic} is C{observations}, C{learning}, C{memory}, C{predictions}, C{status}, C{processors},
    or L{FRESH}, whose C{data} has C{epoch} and C{offset}; C{offset} is its place among the changes
    of the processor; C{skipped} is how many of the topic were passed over before this one.
    """

    topic: str
    processor: str
    offset: int
    time_stamp: float
    data: Mapping[str, Any] = field(default_factory=dict)
    skipped: int = 0


class Closed(Exception):
    """The server closed the connection, or it was lost; C{code} is RFC 6455's."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class Stream:
    """What is said on connections one after the other, and what comes."""

    def __init__(
        self,
        processor: str | None,
        topics: Iterable[str] | None,
        *,
        random: Callable[[], float],
    ) -> None:
        """
        @param processor: whose events are meant; C{None}: which processors come and go.
        @param topics: which events; C{None}: all.
        @param random: draws from 0 to 1, for pauses.
        @raise InvalidRequest: no processor has such an id, or C{topics} is no list.
        """
        self._processor = None if processor is None else processor_id(processor)
        self._topics = None if topics is None else listed(topics, "topics", "topics")
        self._random = random
        self._epoch: str | None = None
        self._since = 0
        self._newest: dict[str, int] = {}
        self._granted = False
        self._tries = 0

    def opening(self) -> str:
        """What is said first on a new connection."""
        self._granted = False
        params: dict[str, Any] = {}
        if self._topics is not None:
            params["topics"] = self._topics
        if self._epoch is not None:
            params |= {"epoch": self._epoch, "since": self._since, **self._newest}
        said: dict[str, Any] = {"id": 1, "method": "subscribe", "params": params}
        if self._processor is not None:
            said["processor"] = self._processor
        return json.dumps(said)

    def take(self, message: str | bytes) -> Sequence[StreamEvent]:
        """What a message tells, if anything that is new.

        @raise KatoError: what the server says against the subscription.
        """
        told = json.loads(message)
        if "event" in told:
            return self._event(told)
        if told.get("id") == 1 and not self._granted:
            return self._grant(told)
        return ()

    def _grant(self, told: Mapping[str, Any]) -> Sequence[StreamEvent]:
        if told["status"] != "okay":
            raise error_of(told)
        self._granted, self._tries = True, 0
        if told["recovered"] and told["epoch"] == self._epoch:
            return ()
        return self._anew(told["epoch"], told["offset"], told["time_stamp"])

    def _anew(self, epoch: str, offset: int, time_stamp: float) -> Sequence[StreamEvent]:
        self._epoch, self._since = epoch, offset
        self._newest = {}
        data = {"epoch": epoch, "offset": offset}
        return (StreamEvent(FRESH, self._processor or "", offset, time_stamp, data),)

    def _event(self, told: Mapping[str, Any]) -> Sequence[StreamEvent]:
        event = StreamEvent(
            told["event"],
            told["processor"],
            told["offset"],
            told["time_stamp"],
            told["data"],
            told.get("skipped", 0),
        )
        self._since = max(self._since, event.offset)
        if event.topic in _COUNTED:
            self._newest[event.topic] = event.offset
        if event.topic == "status" and "epoch" in event.data:
            return (event, *self._history(event))
        return (event,)

    def _history(self, event: StreamEvent) -> Sequence[StreamEvent]:
        """The service is back, with the history that it had, or with another one."""
        if event.data.get("recovered") and event.data["epoch"] == self._epoch:
            return ()
        return self._anew(event.data["epoch"], event.offset, event.time_stamp)

    def lost(self, why: Exception) -> float:
        """A connection came to an end, or could not be made: gives the seconds until the next try.

        @raise KatoError: where there is no use in trying again.
        """
        error = _fatal(why)
        if error is not None:
            raise error
        pause = min(_LONGEST, _FIRST * 2.0**self._tries)
        self._tries = min(self._tries + 1, 16)
        return pause / 2 + pause / 2 * self._random()


def _fatal(why: Exception) -> KatoError | None:
    """The error for which a stream ends, if it must."""
    if isinstance(why, KatoError):
        return None if why.retry_after is not None or isinstance(why, NoAnswer) else why
    if isinstance(why, Closed):
        if why.code == NO_KEY:
            return Unauthorized(why.reason)
        if why.code not in _NOW:
            return NoAnswer(str(why))
    return None


def refused(status: int, body: bytes, kind: str = "") -> KatoError:
    """What a handshake says that was answered by something else than 101.

    @param kind: the C{Content-Type} of what came.
    """
    try:
        return error_of(json.loads(body))
    except (ValueError, KeyError, TypeError):
        error = foreign(status, kind)
    if status in AGAIN:
        return NoAnswer(error.message)
    return Unauthorized(error.message) if status == _UNAUTHORIZED else error


def stream_url(base: str) -> str:
    """The address of the WebSocket beside REST's, which L{kato.client.given.address} took."""
    return f"ws{base.removeprefix('http').rstrip('/')}/ws"
