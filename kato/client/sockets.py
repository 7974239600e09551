"""What the blocking and the asyncio face say to the library C{websockets}, and hear of it."""

from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from kato.client.streams import MAX_MESSAGE, PROTOCOL, Closed, refused
from kato.client.trying import NoAnswer
from kato.errors import KatoError

_ABNORMAL = 1006


def opening(key: str | None) -> dict[str, Any]:
    """With what a connection is opened.

    @param key: the API key, if the server wants one.
    """
    headers = None if key is None else {"Authorization": f"Bearer {key}"}
    return {
        "subprotocols": [Subprotocol(PROTOCOL)],
        "additional_headers": headers,
        "max_size": MAX_MESSAGE,
        "proxy": None,
    }


def why(error: Exception) -> Exception:
    """Why a connection has ended, or was not made, as L{kato.client.streams.Stream.lost} takes it.

    What is none of that, a defect, is raised.
    """
    if isinstance(error, KatoError):
        return error
    if isinstance(error, ConnectionClosed):
        told = error.rcvd
        return Closed(_ABNORMAL, "") if told is None else Closed(told.code, told.reason)
    if isinstance(error, InvalidStatus):
        came = error.response
        kind = came.headers.get("Content-Type", "")
        return refused(came.status_code, bytes(came.body or b""), kind)
    if isinstance(error, OSError | TimeoutError | InvalidHandshake):
        return NoAnswer(str(error) or type(error).__name__)
    raise error
