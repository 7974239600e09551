"""A client of KATO's on another machine: pip install pyzmq msgpack.

python encrypted.py tcp://kato-1:5555 reports.curve
"""

import re
import sys

import msgpack
import zmq

ADDRESS, FILE = sys.argv[1:]
SECONDS = 5.0

with open(FILE, encoding="utf-8") as file:  # what "kato-manager.sh curve client" printed
    keys = dict(re.findall(r'^ *(\S+) = "(.{40})"$', file.read(), re.MULTILINE))

socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
socket.setsockopt(zmq.LINGER, 0)
socket.setsockopt(zmq.RCVTIMEO, int(SECONDS * 1000))
socket.setsockopt_string(zmq.CURVE_SERVERKEY, keys["server-key"])
socket.setsockopt_string(zmq.CURVE_PUBLICKEY, keys["public-key"])
socket.setsockopt_string(zmq.CURVE_SECRETKEY, keys["secret-key"])
socket.connect(ADDRESS)

request = {"method": "observe", "processor": "p1", "params": {"strings": ["hello"]}}
socket.send(msgpack.packb(request))
print(msgpack.unpackb(socket.recv())["message"])
