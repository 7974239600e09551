"""The first frames of published events, by which is subscribed (SPEC 9, Events).

C{secret/processor/topic}: an id has no slash, and neither has the secret, so the prefix of one
processor never matches another's.  Only who has the service's key is told the secret.
"""

import re
from typing import NamedTuple

from kato.events import PROCESSORS, TOPICS

BEAT = "beat"
"""The topic under which a service tells from time to time how far a processor has come."""

_TOLD = (TOPICS - {"status"}) | {BEAT}
_PROCESSOR = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ECHO = re.compile(rb"~[0-9a-f]{1,32}")


class Place(NamedTuple):
    """What is subscribed to: a topic of one processor; C{key} is its id, or empty for all."""

    key: str
    topic: str

    def prefix(self, secret: bytes) -> bytes:
        """The first frame of its events."""
        return b"%b/%b/%b" % (secret, self.key.encode(), self.topic.encode())

    @classmethod
    def parse(cls, prefix: bytes, secret: bytes) -> "Place | None":
        """What a prefix names; C{None}: nothing that is published with this secret."""
        given, _, rest = prefix.partition(b"/")
        key, slash, topic = rest.partition(b"/")
        if given != secret or not slash or not topic.isascii():
            return None
        place = cls(key.decode("ascii", "replace"), topic.decode())
        known = _PROCESSOR.fullmatch(key) is not None and place.topic in _TOLD
        return place if known or (key == b"" and place.topic in (PROCESSORS, BEAT)) else None


def echo(secret: bytes, word: str) -> bytes:
    """A prefix that a service sends back as soon as it is subscribed to: whatever was subscribed to
    before comes from then on."""
    return b"%b/~%b" % (secret, word.encode())


def is_echo(prefix: bytes, secret: bytes) -> bool:
    """Whether a prefix is to be sent back."""
    given, _, rest = prefix.partition(b"/")
    return given == secret and _ECHO.fullmatch(rest) is not None
