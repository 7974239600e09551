"""WebSocket: live streams of what happens, and requests beside them, on Autobahn (SPEC 9).

L{Streams} is all that the rest of the house needs.
"""

from kato.protocols.websocket.streams import Streams

__all__ = ["Streams"]
