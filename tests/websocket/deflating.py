"""Messages as a client compresses them."""

import zlib


class Deflating:
    """Compresses the messages of a connection, each of which may refer to the ones before it."""

    def __init__(self, level: int = 6) -> None:
        self._zlib = zlib.compressobj(level, zlib.DEFLATED, -15)

    def message(self, payload: bytes) -> bytes:
        """A message as it is sent."""
        short = self._zlib.compress(payload) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        return short.removesuffix(b"\0\0\xff\xff")


def tables(size: int) -> bytes:
    """What makes no byte of a message, but the tables of a code again and again."""
    lengths = "".join("1" if each in (2, 17) else "0" for each in range(18))
    block = (
        ("0" + "01" + "00000" + "00000" + "0111")  # not the last; its own codes; 257, 1, 18 of them
        + "".join(f"{each}00" for each in lengths)  # the code of lengths has 18 and 1
        + ("1" + "1111111" + "1" + "1101011" + "0" + "0")  # 138 and 118 zeros, then 1 and 1
        + "0"  # the end of the block
    )
    bits = block * (8 * size // len(block) + 1)
    return bytes(int(bits[8 * at : 8 * at + 8][::-1], 2) for at in range(size))
