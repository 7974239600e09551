"""A network that can be lost: TCP connections that lead on to another port, as long as they may.

What happens on it happens in a thread of its own; a test says what, and goes on when that is so.
"""

import asyncio
import socket
from collections.abc import Coroutine
from threading import Thread
from typing import Any

from tests.live.ports import HeldPort
from tests.live.server import PATIENCE


class Wires:
    """The thread in which networks live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._held: list[HeldPort] = []

    def hold_port(self) -> int:
        """One that nobody else gets until these are closed, even while nobody listens there."""
        self._held.append(HeldPort())
        return self._held[-1].port

    def run(self, done: Coroutine[Any, Any, Any]) -> Any:
        """Do it in that thread, and wait until it is done."""
        return asyncio.run_coroutine_threadsafe(done, self._loop).result(PATIENCE)

    def close(self) -> None:
        """End the thread, and all that lives in it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()
        for each in self._held:
            each.close()


class _End(asyncio.Protocol):
    """One end of a way; what it is sent goes out at the other."""

    def __init__(self, way: "_Way", *, far: bool) -> None:
        self._way = way
        self._far = far
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._way.opened(far=self._far)

    def data_received(self, data: bytes) -> None:
        self._way.carry(data, far=self._far)

    def eof_received(self) -> None:
        self._way.over()

    def connection_lost(self, exc: Exception | None) -> None:
        self._way.over()


class _Way:
    """One connection through the network, from who made it to the far end."""

    def __init__(self, network: "Network") -> None:
        self._network = network
        self.near = _End(self, far=False)
        self.far = _End(self, far=True)
        self._leading: asyncio.Task[None] | None = None

    def opened(self, *, far: bool) -> None:
        """One of its ends is there; the far one is looked for once anything is let through."""
        if not far:
            self._network.ways.add(self)
        self.heed()

    def heed(self) -> None:
        """Do as the network does: hold all back, or go on."""
        held = self._network.silent or self.far.transport is None
        for end in (self.near, self.far):
            if end.transport is not None and not end.transport.is_closing():
                (end.transport.pause_reading if held else end.transport.resume_reading)()
        if not self._network.silent and self._leading is None:
            self._leading = asyncio.get_running_loop().create_task(self._lead())

    async def _lead(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self.far, "127.0.0.1", self._network.target
            )
        except OSError:
            self.over()

    def carry(self, data: bytes, *, far: bool) -> None:
        """Bring what came in at one end to the other, or as much of it as is let through."""
        let = self._network.let_through(data, from_far=far)
        other = self.near if far else self.far
        if other.transport is not None and not other.transport.is_closing():
            other.transport.write(data[:let])
        if let < len(data):
            self.over()

    def over(self) -> None:
        """The connection ends, at either end when it has all that was let through."""
        self._network.ways.discard(self)
        self._end(at_once=False)

    def cut(self) -> None:
        """Both ends lose the connection at once, with what is on its way."""
        self._network.ways.discard(self)
        self._end(at_once=True)

    def _end(self, *, at_once: bool) -> None:
        if self._leading is not None and self.far.transport is None:
            self._leading.cancel()
        for each in (self.near, self.far):
            if each.transport is not None and not each.transport.is_closing():
                (each.transport.abort if at_once else each.transport.close)()


class Network:
    """What lies between a port of its own and one that may change."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self.target = 0
        self.silent = False
        self.ways: set[_Way] = set()
        self._lose: tuple[bool, int] | None = None
        self._listening: socket.socket | None = None
        self._making: set[asyncio.Task[Any]] = set()
        self.port = wires.hold_port()
        self.open()

    def open(self) -> None:
        """Let connections be made to its C{port}."""
        self._wires.run(self._open())

    async def _open(self) -> None:
        if self._listening is None:
            self._listening = socket.create_server(("127.0.0.1", self.port))
            self._listening.setblocking(False)
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        """Take a connection; asyncio's own server would forget some that come as it is closed."""
        assert self._listening is not None
        try:
            connection, _ = self._listening.accept()
        except OSError:  # it is gone already
            return
        loop = asyncio.get_running_loop()
        made = loop.create_task(loop.connect_accepted_socket(lambda: _Way(self).near, connection))
        self._making.add(made)
        made.add_done_callback(self._making.discard)

    def shut(self) -> None:
        """Refuse connections, and lose those that there are."""
        self._wires.run(self._shut())

    async def _shut(self) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        await asyncio.gather(*self._making, return_exceptions=True)
        self._cut()

    def lead_to(self, port: int) -> None:
        """Where new connections lead to from now on."""
        self.target = port

    def cut(self) -> None:
        """Lose all connections that there are, at once; new ones may be made."""
        self._wires.run(self._cut_now())

    async def _cut_now(self) -> None:
        self._cut()

    def _cut(self) -> None:
        self._lose = None
        for way in list(self.ways):
            way.cut()

    def lose(self, *, replies: bool, after: int) -> None:
        """Lose the first connection on which, from now on, more than C{after} bytes come at once
        one way, with what is beyond them.

        @param replies: whether they come from the far end.
        """
        self._wires.run(self._lose_later((replies, after)))

    async def _lose_later(self, lose: tuple[bool, int]) -> None:
        self._lose = lose

    def let_through(self, data: bytes, *, from_far: bool) -> int:
        """How many of these bytes arrive; fewer than there are: the connection is lost there."""
        if self._lose is None or self._lose[0] is not from_far or len(data) <= self._lose[1]:
            return len(data)
        _, let = self._lose
        self._lose = None
        return let

    def fall_silent(self) -> None:
        """Let nothing through, and tell nobody."""
        self._wires.run(self._set_silent(True))

    def speak(self) -> None:
        """Let all through again, what was held back first."""
        self._wires.run(self._set_silent(False))

    async def _set_silent(self, silent: bool) -> None:
        self.silent = silent
        for way in list(self.ways):
            way.heed()
