"""Many readers in one process, as cheap as can be: C{python -m benchmarks.streams.readers}.

What they are to do comes on standard input, a line of JSON each, and is answered so:
C{{"connect": PORT, "number": N, "say": TEXT}} opens connections, each of which says the text, where
there is one, and reads one answer; C{{"read": PORT}} reads on all connections to that port until
each was sent the last message of a round.
"""

import json
import os
import select
import sys
from time import perf_counter
from typing import Any
from zlib import crc32

from benchmarks.streams.wire import LAST, PATIENCE, PING, PONG, Wire, texts

_CHUNK = 65_536


class Readers:
    """All connections to one port.

    All are sent the same, to the byte.  What the first is sent is kept and handed on; of the others
    nothing but its length and checksum, which must be those of the first.
    """

    def __init__(self, port: int, number: int, say: str | None) -> None:
        self._wires = [Wire(port) for _ in range(number)]
        self._poll = select.epoll()
        for wire in self._wires:
            if say is not None:
                wire.say(say.encode())
                answer = json.loads(wire.message())
                if answer["status"] != "okay":
                    raise SystemExit(f"{say}: {answer}")
            wire.socket.setblocking(False)
            self._poll.register(wire.socket.fileno(), select.EPOLLIN)

    def read(self) -> dict[str, Any]:
        """Read until each has had the last message; tells when that was, and what the first was
        sent."""
        first = self._wires[0].socket.fileno()
        sizes = {wire.socket.fileno(): 0 for wire in self._wires}
        sums = dict.fromkeys(sizes, 0)
        kept: list[bytes] = []
        left = len(sizes)
        poll, read = self._poll.poll, os.read
        while left:
            ready = poll(PATIENCE)
            if not ready:
                raise SystemExit(f"{left} were not sent the last message")
            for place, _ in ready:
                data = read(place, _CHUNK)
                if not data:
                    raise SystemExit(f"{place} was closed")
                if PING in data:
                    os.write(place, PONG)
                    data = data.replace(PING, b"")
                sizes[place] += len(data)
                sums[place] = crc32(data, sums[place])
                if place == first:
                    kept.append(data)
                if data[-4:] == LAST:
                    left -= 1
                elif 0 < len(data) < len(LAST):
                    raise SystemExit(f"{place} was sent {data!r} alone")
        until = perf_counter()
        told = [each.decode() for each in texts(b"".join(kept))]
        same = len(set(sizes.values())) == len(set(sums.values())) == 1
        return {"until": until, "same": same, "bytes": sizes[first], "told": told}


def main() -> None:
    """Do what is asked for, until there is no more of it."""
    readers: dict[int, Readers] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "connect" in asked:
            port = asked["connect"]
            readers[port] = Readers(port, asked["number"], asked["say"])
            print(json.dumps({"connected": port}), flush=True)
        else:
            print(json.dumps(readers[asked["read"]].read()), flush=True)


if __name__ == "__main__":
    main()
