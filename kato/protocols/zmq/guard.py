"""Who may connect where CURVE is on: ZAP, the questions of libzmq (RFC 27), answered.

libzmq has seen by then that the other side has the secret half of its key, and knows our public
one.  Here it is only found out whose key that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kato.fields import shown
from kato.protocols.zmq.curve import SIZE, KeyPair, read_key, written_key
from kato.seldom import Seldom

EVERYBODY = b"kato"
"""The domain of sockets on which clients are answered, gateways among them."""

SUBSCRIBERS = b"kato.subscribers"
"""The domain of sockets on which events are published, to those who may be clients."""

MEMBERS = b"kato.members"
"""The domain of registries, on which only the cluster speaks to itself."""

ADMITTED = b"200"
"""The status of who is let in."""

PAUSE = 60.0
_MOST = 1_000
"""Seconds for which a refusal of the same address is not told again, and of how many it is."""

_VERSION = b"1.0"
_MECHANISM = b"CURVE"
_FIELDS = 7
"""Version, request id, domain, address, routing id, mechanism, and the only credential of CURVE."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names by public keys of 32 bytes: of the cluster itself, and of others who are clients."""

    members: Mapping[bytes, str]
    clients: Mapping[bytes, str]

    def admits(self, domain: bytes, key: bytes) -> str | None:
        """The name of who may connect with a key; C{None}: nobody may."""
        if domain not in (EVERYBODY, SUBSCRIBERS, MEMBERS):
            return None
        name = self.members.get(key)
        return self.clients.get(key) if name is None and domain != MEMBERS else name


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer to libzmq, and what it means: C{refused} says why, C{None}: it is let in."""

    reply: tuple[bytes, ...]
    refused: str | None
    address: str = ""


def judge(request: Sequence[bytes], known: Known) -> Judgement:
    """Answer a question of ZAP, whatever it is.

    @param request: its frames, without an envelope.
    """
    number = request[1] if len(request) > 1 else b""
    if len(request) != _FIELDS or request[0] != _VERSION:
        return _refused(number, b"500", "a question that is none of ZAP 1.0")
    _, _, domain, address, _, mechanism, key = request
    where = address.decode("ascii", "replace")
    if mechanism != _MECHANISM:
        return _refused(number, b"400", "it does not speak CURVE", where)
    name = known.admits(domain, key)
    if name is None:
        return _refused(number, b"400", _why(domain, key, known), where)
    return Judgement((_VERSION, number, ADMITTED, b"OK", name.encode(), b""), None, where)


def _refused(number: bytes, status: bytes, why: str, address: str = "") -> Judgement:
    """The other side is told no more than that it is refused."""
    return Judgement((_VERSION, number, status, b"refused", b"", b""), why, address)


def _why(domain: bytes, key: bytes, known: Known) -> str:
    if key in known.clients:
        return f"{known.clients[key]} is a client, and here only the cluster speaks to itself"
    told = written_key(key) if len(key) == SIZE else shown(key)
    return f"nobody here has the public key {told}"


def welcome(request: Sequence[bytes]) -> tuple[bytes, ...]:
    """The answer where nothing is encrypted: everybody may come."""
    number = request[1] if len(request) > 1 else b""
    return _VERSION, number, ADMITTED, b"OK", b"", b""


class Guard:
    """Lets in who has a key that is known, counts, and tells of those who have none."""

    log = Logger()

    def __init__(self, pair: KeyPair, clients: Mapping[bytes, str], *, clock: IReactorTime) -> None:
        """
        @param pair: that of the cluster.
        @param clients: names of others by their public keys.
        """
        self.pair = pair
        self._members = {read_key(pair.public): "the cluster"}
        self._clock = clock
        self._seldom = Seldom(PAUSE, most=_MOST)
        self._admitted = 0
        self._refused = 0
        self.admit(clients)

    def admit(self, clients: Mapping[bytes, str]) -> None:
        """Let these in from now on, and nobody else beside the cluster; connections that are there
        stay."""
        self._known = Known(self._members, clients)

    def answer(self, request: Sequence[bytes]) -> tuple[bytes, ...]:
        """Answer a question of libzmq."""
        judged = judge(request, self._known)
        if judged.refused is None:
            self._admitted += 1
        else:
            self._refused += 1
            self._tell(judged.address, judged.refused)
        return judged.reply

    def _tell(self, address: str, why: str) -> None:
        if self._seldom.is_due(address, now=self._clock.seconds()):
            self.log.warn(
                "a connection from {address} is refused: {why}", address=shown(address), why=why
            )

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells: how many connections were let in, how many were not, and how many
        clients are known beside the cluster."""
        return {
            "admitted": self._admitted,
            "refused": self._refused,
            "clients": len(self._known.clients),
        }
