"""A client of KATO's in a few lines: pip install pyzmq msgpack."""

import sys
from typing import Any

import msgpack
import zmq

socket = zmq.Context().socket(zmq.REQ)
socket.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555")


def ask(method: str, **params: object) -> dict[str, Any]:
    """Ask, and wait for the answer; an error of the server's is an error here."""
    socket.send(msgpack.packb({"method": method, "processor": "p1", "params": params}))
    answer: dict[str, Any] = msgpack.unpackb(socket.recv())
    if answer["status"] != "okay":
        raise RuntimeError(f"{answer['error_code']}: {answer['message']}")
    return answer


for word in ("get", "set", "go"):
    ask("observe", strings=[word])
print(ask("learn")["model_name"])
ask("observe_sequence", observations=[{"strings": ["get"]}, {"strings": ["set"]}])
for entry in ask("get_forecast")["forecast"]:
    print(entry["event"], entry["share"])
ask("clear_short_term_memory")
