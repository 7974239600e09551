"""The parsers of values: JSON, MessagePack, and what is made of them."""

import json
import math
from typing import Any
from zlib import compress

import msgpack

from kato.codec import SelfWriting, decode_json, encode_json
from kato.commands import Command
from kato.errors import KatoError
from kato.events import Event, Numbers, Wish
from kato.genes import parse_genes
from kato.limits import Limits
from kato.messagepack import pack, unpack
from kato.observation import Observation
from kato.origin import Origin
from kato.protocols.websocket.conversation import Heard
from kato.protocols.websocket.frames import Codec
from kato.protocols.zmq.announcements import Answer, parse_announcement
from kato.replies import read_reply
from kato.requests import Request, request_map
from kato.steady_json import MAX_DEPTH, decode_steadily
from tests.fuzz.laws import is_plain, judge_refusal, taken
from tests.fuzz.target import Target, hold

_DEFLATED_LIMIT = 4096
_LIMITS = Limits()
_STEP = 16


def _json(data: bytes) -> None:
    """Read in one go and in steps it is the same, or refused."""
    value = taken(decode_json, data)
    _compare(value, taken(lambda: decode_steadily(data, step=_STEP)), data)
    if is_plain(value):
        hold(_same(decode_json(encode_json(value)), value), "JSON reads back as another", value)


def _compare(whole: object, steady: object, data: bytes) -> None:
    """What is read in steps may lie in itself less deep."""
    if steady is not None or data.count(b"[") + data.count(b"{") < MAX_DEPTH:
        hold(_same(whole, steady), "in steps it is another", whole, steady)


def _same(one: object, other: object) -> bool:
    """Equal, also in what C{==} does not tell apart."""
    return repr(one) == repr(other)


def _messagepack(data: bytes) -> None:
    taken(lambda: unpack(data, plain=True))
    value = taken(lambda: unpack(data, limit=_DEFLATED_LIMIT))
    if isinstance(value, SelfWriting):
        taken(list, value)
    if is_plain(value):
        hold(_same(unpack(pack(value)), value), "MessagePack reads back as another", value)
        accept = frozenset({"json", "zlib"})
        hold(_same(unpack(pack(value, accept=accept)), value), "another when short", value)


def _observation(data: bytes) -> None:
    observation = taken(lambda: Observation.parse(decode_json(data)))
    if observation is None:
        return
    again = Observation.parse(decode_json(encode_json(observation.sent())))
    hold(again == observation, "an observation reads back as another", observation)
    hold(again.digest() == observation.digest(), "its fingerprint is another", observation)


def _genes(data: bytes) -> None:
    genes = taken(lambda: parse_genes(decode_json(data)))
    if genes is not None:
        again = parse_genes(decode_json(encode_json(genes)))
        hold(again == genes, "genes read back as others", genes)


def _request(data: bytes) -> None:
    command: Command | None = taken(
        lambda: Request.parse(unpack(data, limit=_DEFLATED_LIMIT)).command(lambda: "p1", _LIMITS)
    )
    if command is not None:
        again = Request.parse(unpack(pack(request_map(command)))).command(lambda: None, _LIMITS)
        hold(again == command, "a command reads back as another", command)
        hold(again.digest() == command.digest(), "its fingerprint is another", command)


def _saying(data: bytes) -> None:
    for codec in Codec:
        heard = Heard.judge(data, codec.decode, _LIMITS)
        if heard.failure is not None:
            hold(isinstance(heard.failure, KatoError), "no error of ours", heard.failure)
            assert isinstance(heard.failure, KatoError)
            judge_refusal(heard.failure)
        codec.encode({**heard.tag})
        if heard.saying is not None:
            taken(lambda saying=heard.saying: saying.subject)
            taken(lambda saying=heard.saying: saying.key)


def _wish(data: bytes) -> None:
    value = taken(unpack, data)
    for processor in (None, "p1"):
        taken(Wish.parse, processor, value)
    taken(Numbers.parse, value)
    event = taken(Event.parse, value)
    if event is not None and is_plain(value):
        hold(Event.parse(unpack(pack(event.wire_map()))) == event, "another event", event)


def _announcement(data: bytes) -> None:
    value = taken(unpack, data)
    if isinstance(value, dict):
        taken(parse_announcement, value)
    origin = taken(Origin.parse, value)
    if origin is not None:
        hold(Origin.parse(origin.sent()) == origin, "another origin", origin)


def _answer(data: bytes) -> None:
    """What a service or a gateway answers: an error that it tells is raised as it is."""
    try:
        Answer.parse(data)
    except KatoError as error:
        hold(isinstance(error.message, str), "no message", error)
    reply = taken(lambda: read_reply(unpack(data)))
    if reply is not None:
        hold(isinstance(reply.message, str), "no message", reply)


def _written(*values: Any) -> list[bytes]:
    return [json.dumps(each).encode() for each in values]


def _packed(*values: Any) -> list[bytes]:
    return [msgpack.packb(each) for each in values]


OBSERVED = {
    "strings": ["a", "é"],
    "vectors": [[1.0, -0.0], [2]],
    "emotives": {"joy": 0.5},
    "unique_id": "u",
    "metadata": {"k": [1, None, {"b": True}]},
}
_GENES = {"classifier": "DVC", "recall_threshold": 0.2, "vector_max_distance": None, "sort": False}
REQUESTS: list[dict[str, Any]] = [
    {"method": "observe", "processor": "p1", "params": OBSERVED, "request_id": "r"},
    {"method": "get_gene", "params": {"gene_name": "sort"}, "accept": ["json", "zlib"]},
    {"method": "change_genes", "processor": "p1", "params": {"genes": _GENES}, "api_key": "k"},
    {"method": "list_processors", "params": {"limit": 3, "after": "p"}},
    {
        "method": "observe_sequence",
        "processor": "p1",
        "params": {"observations": [{"strings": ["a"]}], "learn_at_end": True},
        "origin": {"transport": "rest", "id": "1", "key": "n"},
    },
    {
        "method": "update_model",
        "processor": "p1",
        "params": {"model_name": "m", "emotives": [{"joy": 1}]},
    },
]
ANNOUNCED: dict[str, Any] = {
    "service": "a:5555",
    "address": "tcp://a:5555",
    "events": 5556,
    "boot": "1",
    "processors": ["p1"],
    "unconfirmed": ["p2"],
    "as_of": 3,
    "under_way": 0,
    "members": ["tcp://b:5555"],
    "rank": 0,
    "gateways": ["tcp://g:5550"],
    "lease": 10,
    "epochs": {"p1": 3},
}
_EVENT = {
    "event": "learning",
    "processor": "p1",
    "offset": 3,
    "time_stamp": 1.5,
    "data": {"model": "m"},
    "epoch": "e",
    "number": 2,
    "kept": 2,
}
_SUBSCRIBE = {"topics": ["learning", "memory"], "since": 3, "epoch": "e", "predictions": 2}
_SAID: list[dict[str, Any]] = [
    *REQUESTS[3:4],
    {"id": 7, "method": "subscribe", "processor": "p1", "params": _SUBSCRIBE},
    {"id": {"a": [1]}, "method": "authenticate", "params": {"api_key": "k"}},
    {"id": "x", "method": "unsubscribe"},
    {"method": "ping"},
]
_EXTENSIONS = [
    msgpack.packb(msgpack.ExtType(1, b'["a"]')),
    msgpack.packb(msgpack.ExtType(2, b"-12345678901234567890123")),
    msgpack.packb(msgpack.ExtType(3, compress(msgpack.packb(REQUESTS[0])))),
    msgpack.packb({"a": msgpack.Timestamp(1, 2)}),
    b"\xdd\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xffa",
]
_WORDS = [
    b'"strings"',
    b'"vectors"',
    b"NaN",
    b"-Infinity",
    b"1e400",
    b"\\ud800",
    b"9" * 30,
    b"[" * 70,
]
_PACKED_WORDS = [
    *(b"\xc7", b"\xc9\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xd9", b"\xcb", b"\xcf"),
    *(msgpack.packb(word) for word in ("method", "params", "processor", "strings", "accept")),
]

VALUES = (
    Target("json", _json, _written(OBSERVED, [1, math.pi, None]), _WORDS),
    Target("messagepack", _messagepack, [*_packed(*REQUESTS), *_EXTENSIONS], _PACKED_WORDS),
    Target("observation", _observation, _written(OBSERVED, {}), _WORDS),
    Target("genes", _genes, _written(_GENES, {"max_predictions": 3})),
    Target("request", _request, [*_packed(*REQUESTS), *_EXTENSIONS], _PACKED_WORDS),
    Target("saying", _saying, [*_written(*_SAID), *_packed(*_SAID)], [*_WORDS, *_PACKED_WORDS]),
    Target("wish", _wish, _packed(_SUBSCRIBE, {"topics": ["processors"]}, [1, 2, 3], _EVENT)),
    Target("announcement", _announcement, _packed(ANNOUNCED, REQUESTS[4]["origin"])),
    Target(
        "answer",
        _answer,
        _packed(
            {"status": "okay", "message": "m", "time_stamp": 1.0, "processor": "p", "interval": 1},
            {"status": "error", "message": "m", "error_code": "TIMEOUT", "outcome": "unknown"},
            {"status": "error", "message": "m", "moved": {"address": "tcp://a:1", "epoch": 1}},
            {"status": "okay", "refused": {"p": "w"}, "undecided": [], "as_of": 1, "members": []},
        ),
    ),
)
