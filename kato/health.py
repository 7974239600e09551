"""C{python -m kato.health URL}: whether a server on this machine is well, for those who look after
containers (docs/operations.md).

C{http://127.0.0.1:8000/ready} asks a gateway, C{tcp://127.0.0.1:5555/ready} a processor service;
C{/live} in the place of C{/ready} asks whether it answers at all.  The keys are those of the
server, from the same environment.  Ends with 0, or with 1 and one line on standard error.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from ssl import CERT_NONE, create_default_context
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import Request, urlopen

import zmq

from kato.curve_files import read_pair
from kato.errors import InvalidRequest
from kato.messagepack import pack, unpack
from kato.protocols.zmq.curve import BadKeys, KeyPair

PATIENCE = 5.0
"""Seconds that a server has to answer; one that is well needs a few milliseconds."""

_LONGEST = 1024 * 1024
"""Bytes of an answer, at most."""

_QUESTIONS: Mapping[str, Mapping[str, Any]] = {
    "/live": {"method": "ping"},
    "/ready": {"method": "list_processors", "params": {"limit": 1}},
}
"""What a service is asked: a list is answered once all processors are loaded."""


class Unwell(Exception):
    """The server does not do as it should; the message says how."""


def ask(url: str, environment: Mapping[str, str]) -> None:
    """Ask the server at C{url}.

    @param environment: where its keys are told.
    @raise Unwell: where it does not say that all is well.
    @raise ValueError: where nobody can be asked at such a URL.
    """
    where = urlsplit(url)
    if where.path not in _QUESTIONS or where.port is None:
        raise ValueError(f"expected tcp://HOST:PORT/ready or http://HOST:PORT/ready, got {url!r}")
    if where.scheme == "tcp":
        _ask_service(where, _key(environment), _pair(environment))
    elif where.scheme in ("http", "https"):
        _ask_gateway(url)
    else:
        raise ValueError(f"expected tcp, http or https, got {where.scheme!r}")


def _ask_gateway(url: str) -> None:
    """Whoever is asked is on this machine: its certificate is made out to another name."""
    context = create_default_context()
    context.check_hostname, context.verify_mode = False, CERT_NONE
    try:
        with urlopen(Request(url), timeout=PATIENCE, context=context):
            return
    except HTTPError as error:
        raise Unwell(
            f"{url}: {error.code} {error.read(_LONGEST).decode(errors='replace')}"
        ) from None
    except (URLError, OSError) as error:
        raise Unwell(f"{url}: {error}") from None


def _ask_service(where: SplitResult, key: str | None, pair: KeyPair | None) -> None:
    question = {**_QUESTIONS[where.path], **({} if key is None else {"api_key": key})}
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, _LONGEST)
        if pair is not None:
            socket.setsockopt(zmq.CURVE_SERVERKEY, pair.public)
            socket.setsockopt(zmq.CURVE_PUBLICKEY, pair.public)
            socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret)
        socket.connect(f"tcp://{where.netloc}")
        socket.send(pack(question))
        if not socket.poll(int(PATIENCE * 1000)):
            raise Unwell(f"{where.geturl()}: no answer within {PATIENCE:g} seconds")
        answer = _read(socket.recv())
    if answer.get("status") != "okay":
        raise Unwell(f"{where.geturl()}: {answer.get('error_code')} {answer.get('message')}")


def _read(answer: bytes) -> Mapping[str, Any]:
    try:
        read = unpack(answer)
    except InvalidRequest as error:
        raise Unwell(f"what answers speaks another language: {error.message}") from None
    return read if isinstance(read, dict) else {}


def _key(environment: Mapping[str, str]) -> str | None:
    """The server's key; C{None} where it has none."""
    path = environment.get("KATO_API_KEY_FILE")
    if not path:
        return environment.get("KATO_API_KEY") or None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise Unwell(f"KATO_API_KEY_FILE: cannot read {path}: {error}") from None


def _pair(environment: Mapping[str, str]) -> KeyPair | None:
    """The key pair by which the server encrypts; C{None}: it does not."""
    path = environment.get("KATO_CURVE")
    try:
        return read_pair(path) if path else None
    except BadKeys as error:
        raise Unwell(f"KATO_CURVE: {error}") from None


def run(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Ask, and give the exit status."""
    try:
        if len(words) != 1:
            raise ValueError("expected one URL, such as http://127.0.0.1:8000/ready")
        ask(words[0], environment)
    except (Unwell, ValueError) as error:
        sys.stderr.write(f"kato.health: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ))
