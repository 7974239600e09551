"""What a client says before a connection becomes a WebSocket, judged (SPEC 9, RFC 6455)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kato.errors import InvalidRequest
from kato.fields import shown
from kato.protocols.websocket.frames import WINDOW_BITS, Codec

Headers = Mapping[bytes, Sequence[bytes]]
"""The values of headers by name, names written C{Like-This}."""

_VERSION = b"13"
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_KEY_PROTOCOL = "kato.key."

OURS = (Codec.JSON, Codec.MESSAGEPACK)
"""What is spoken at C{/ws}, the first of it also where none is named."""

OF_GRAPHQL = (Codec.GRAPHQL,)
"""What is spoken at C{/graphql}."""

_DEFLATE = "permessage-deflate"
_NO_TAKEOVER = "server_no_context_takeover"
_CLIENT_WINDOW = re.compile(r"client_max_window_bits(=(8|9|1[0-5]))?")
_FITTING = frozenset({"client_no_context_takeover", f"server_max_window_bits={WINDOW_BITS}"})


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client asks for.

    C{nonce} is its C{Sec-WebSocket-Key}; C{protocol} the sub-protocol that is agreed upon, C{None}
    where it named none; C{key} what it told as C{kato.key.<key>}; C{extension} the way to compress
    that is agreed upon, as it was offered, as far as that concerns us.
    """

    nonce: bytes
    codec: Codec
    protocol: str | None = None
    key: bytes | None = field(default=None, repr=False)
    extension: str | None = None

    @classmethod
    def parse(cls, headers: Headers, spoken: Sequence[Codec] = OURS) -> "Handshake":
        """Judge the head of a request.

        @param spoken: the sub-protocols that are known here.
        @raise InvalidRequest: where it is not one for a WebSocket, or names no sub-protocol of
            ours among those that it knows.  A key alone is refused as well: whatever is agreed upon
            stands in the answer, which is no place for a key.
        """
        _expect("websocket" in _words(headers, b"Upgrade", lower=True), headers, b"Upgrade")
        _expect("upgrade" in _words(headers, b"Connection", lower=True), headers, b"Connection")
        version = headers.get(b"Sec-Websocket-Version", ())
        _expect(list(version) == [_VERSION], headers, b"Sec-Websocket-Version")
        keys = headers.get(b"Sec-Websocket-Key", ())
        fits = len(keys) == 1 and _KEY.fullmatch(keys[0]) is not None
        _expect(fits, headers, b"Sec-Websocket-Key")
        offers = _words(headers, b"Sec-Websocket-Extensions")
        extension = next(filter(None, map(_fitting, offers)), None)
        offered = _words(headers, b"Sec-Websocket-Protocol")
        return cls(keys[0], *_agreed(offered, spoken), extension)

    def head(self) -> bytes:
        """The head of a request as it is told to Autobahn: what was judged here, and nothing that
        it could judge otherwise."""
        lines = [
            "GET /ws HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Version: {_VERSION.decode()}",
            f"Sec-WebSocket-Key: {self.nonce.decode()}",
        ]
        if self.protocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {self.protocol}")
        if self.extension is not None:
            lines.append(f"Sec-WebSocket-Extensions: {self.extension}")
        return "\r\n".join([*lines, "\r\n"]).encode()


def _fitting(offer: str) -> str | None:
    """An offer to compress (RFC 7692) with which we may compress once for all, as it concerns us:
    with which window the client compresses does not."""
    name, *parameters = map(_parameter, offer.split(";"))
    known = set(parameters)
    if name.lower() != _DEFLATE or len(known) < len(parameters):
        return None
    others = {each for each in known if not _CLIENT_WINDOW.fullmatch(each)}
    if others - _FITTING - {_NO_TAKEOVER}:
        return None
    return f"{_DEFLATE}; {_NO_TAKEOVER}" if _NO_TAKEOVER in known else _DEFLATE


def _parameter(written: str) -> str:
    """A parameter without blanks and quotes."""
    name, equals, value = written.strip().partition("=")
    return name.strip() + equals + value.strip().strip('"')


def _agreed(offered: list[str], spoken: Sequence[Codec]) -> tuple[Codec, str | None, bytes | None]:
    if len(set(offered)) < len(offered):
        raise InvalidRequest("Sec-WebSocket-Protocol: a sub-protocol is given twice")
    keys = [each for each in offered if each.startswith(_KEY_PROTOCOL)]
    if len(keys) > 1:
        raise InvalidRequest("Sec-WebSocket-Protocol: expected one key at most")
    key = keys[0].removeprefix(_KEY_PROTOCOL).encode() if keys else None
    codecs = {each.value: each for each in spoken}
    known = next((each for each in offered if each in codecs), None)
    if known is not None:
        return codecs[known], known, key
    if not offered:
        return spoken[0], None, None
    others = [each for each in offered if each not in keys]
    wrong = f"{shown(others[0])} is unknown" if others else "a key stands beside another"
    raise InvalidRequest(f"Sec-WebSocket-Protocol: {wrong}, known are {', '.join(codecs)}")


def _words(headers: Headers, name: bytes, *, lower: bool = False) -> list[str]:
    """The words of a header that is a list."""
    written = b",".join(headers.get(name, ())).decode("latin-1")
    words = [each.strip() for each in (written.lower() if lower else written).split(",")]
    return [each for each in words if each]


_EXPECTED = {
    b"Upgrade": "Upgrade: expected websocket",
    b"Connection": "Connection: expected Upgrade",
    b"Sec-Websocket-Version": "Sec-WebSocket-Version: expected 13",
    b"Sec-Websocket-Key": "Sec-WebSocket-Key: expected 16 bytes in base64",
}


def _expect(fits: bool, headers: Headers, name: bytes) -> None:
    if not fits:
        given = headers.get(name, ())
        got = shown(b", ".join(given).decode("latin-1")) if given else "nothing"
        raise InvalidRequest(f"{_EXPECTED[name]}, got {got}")
