"""A client of KATO's in a few lines: pip install pyzmq msgpack."""

import sys
from typing import Any
from uuid import uuid4

import msgpack
import zmq

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
TRIES = 5


def connect() -> "zmq.Socket[bytes]":
    """A socket that does not wait for ever."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, int(SECONDS * 1000))
    socket.connect(ADDRESS)
    return socket


class Client:
    """Asks one processor; an error of the server's is an error here."""

    def __init__(self, processor: str) -> None:
        self.processor = processor
        self.socket = connect()

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Ask until there is an answer: under its request id, a change is made once."""
        request = {"method": method, "processor": self.processor, "params": params}
        body = msgpack.packb({**request, "request_id": str(uuid4())})
        for _ in range(TRIES):
            try:
                self.socket.send(body)
                answer: dict[str, Any] = msgpack.unpackb(self.socket.recv())
            except zmq.Again:  # a REQ socket without its reply is of no further use
                self.socket.close()
                self.socket = connect()
                continue
            if answer["status"] != "okay":
                raise RuntimeError(f"{answer['error_code']}: {answer['message']}")
            return answer
        raise TimeoutError(f"no answer from {ADDRESS}")


client = Client("p1")
for word in ("get", "set", "go"):
    client.ask("observe", strings=[word])
print(client.ask("learn")["model_name"])
client.ask("observe_sequence", observations=[{"strings": ["get"]}, {"strings": ["set"]}])
for entry in client.ask("get_forecast")["forecast"]:
    print(entry["event"], entry["share"])
client.ask("clear_short_term_memory")
