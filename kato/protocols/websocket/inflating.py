"""Messages that come compressed (RFC 7692), inflated a step at a time: a client makes 16 MiB of
16 KiB, and whoever inflates that in one go does nothing else for 60 ms."""

# mypy: allow-untyped-calls

import zlib

from autobahn.exception import PayloadCorruptError, PayloadExceededError

from kato.protocols.websocket.frames import SYNC, WINDOW_BITS

MADE = 64 * 1024
"""So many bytes of a message come of one step at the most,"""

TAKEN = 8 * 1024
"""and so many compressed ones go into it: some make nothing but tables, 64 KiB of them for 3 ms."""


class Inflating:
    """Inflates the messages of one connection; the methods are those that Autobahn calls."""

    EXTENSION_NAME = "permessage-deflate"

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(-WINDOW_BITS)
        self._waiting = b""
        """What has come of a message, and was not inflated yet."""
        self._is_full = False
        """Whether the last step made all that it might: there may be more without any input."""
        self._given_up = False
        self._share = 0.0

    @property
    def has_more(self) -> bool:
        """Whether there is something to do in another step."""
        return self._is_full or bool(self._waiting)

    def spent(self) -> float:
        """How much of what one step may do was done since this was last asked."""
        share, self._share = self._share, 0.0
        return share

    def start_decompress_message(self) -> None:
        """Begin with a message; it may refer to the ones before it."""
        self._given_up = False
        if self._zlib.eof:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._zlib = zlib.decompressobj(-WINDOW_BITS)

    def decompress_message_data(self, data: bytes, max_output_len: int) -> bytes:
        """Take what has come, and inflate what one step does of all that waits.

        @param max_output_len: so many bytes are left of what a message may have.
        @raise PayloadExceededError: where it has more.
        @raise PayloadCorruptError: where it is none that was compressed.
        """
        if self._given_up:
            return b""
        self._waiting += data
        try:
            made = self._step(min(MADE, max(max_output_len, 0) + 1))
        except zlib.error as error:
            self.give_up()
            raise PayloadCorruptError(f"invalid {self.EXTENSION_NAME} data: {error}") from error
        if len(made) > max_output_len:
            self.give_up()
            raise PayloadExceededError("a message of more bytes than are taken")
        return made

    def _step(self, most: int) -> bytes:
        if self._zlib.eof and self._waiting:
            self._begin_anew()  # after a last block there may be others (7.2.3.4)
        taken = self._waiting[:TAKEN]
        made = self._zlib.decompress(taken, most)
        left = len(self._zlib.unconsumed_tail) + len(self._zlib.unused_data)
        used = len(taken) - left
        self._waiting = self._waiting[used:]
        self._is_full = len(made) == most
        self._share += max(used / TAKEN, len(made) / MADE)
        return made

    def end_decompress_message(self) -> None:
        """All of a message was inflated; what its sender left away ends it.

        @raise PayloadCorruptError: where it was not whole.
        """
        if self._given_up or self._zlib.eof:
            return
        try:
            beyond = self._zlib.decompress(SYNC, 1)
        except zlib.error as error:
            raise PayloadCorruptError(f"invalid {self.EXTENSION_NAME} data: {error}") from error
        if beyond:
            raise PayloadCorruptError(f"invalid {self.EXTENSION_NAME} data: it breaks off")

    def give_up(self) -> None:
        """Nobody wants to have the rest of this message."""
        self._given_up = True
        self._waiting = b""
        self._is_full = False
