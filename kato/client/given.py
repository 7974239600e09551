"""What a program gives, judged before anything of it is sent.

An address on the way to a server is tidied by whoever passes it on: C{/p1/model/..} becomes
C{/p1}, and who meant a model would reach the processor.  A string is a sequence of strings in
Python, and would be observed letter by letter.  So both are refused here, for every face alike.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from kato.errors import InvalidRequest

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What the id of a processor may be (SPEC 1); which of them a server needs itself, it says."""

_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?|[0-9a-f.]*:[0-9a-f:.]*")
_SCHEMES = ("http", "https")
_VISIBLE = re.compile(r"[!-~]+")
_DOTTED = frozenset({".", ".."})
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_MAX_REQUEST_ID = 255
_SHOWN = 80


def shown(value: object) -> str:
    """A value for a message: short, printable, on one line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def address(url: object) -> str:
    """Take the address of a server, with a path where it is behind one; gives it without a slash
    at its end.

    @raise InvalidRequest: it is none, or has more: a name, a password, a query, a fragment.
    """
    text = url if isinstance(url, str) else ""
    if "@" in text:
        raise InvalidRequest("url: no name and no password may stand in it; a key is given apart")
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in _SCHEMES or not _VISIBLE.fullmatch(text) or not _is_address(text):
        raise InvalidRequest(f"url: expected http://HOST:PORT or https://…, got {shown(url)}")
    return f"{scheme.lower()}://{rest.rstrip('/')}"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if port == 0 or not _DOTTED.isdisjoint(parts.path.split("/")) or {"?", "#"} & set(url):
        return False
    return _HOST.fullmatch(host) is not None


def api_key(key: object) -> str | None:
    """Take a key; C{None} and C{""}, as a variable of the environment may be, are none.

    @raise InvalidRequest: no server has such a key.  It is not shown.
    """
    if key is None or key == "":
        return None
    if isinstance(key, str) and _VISIBLE.fullmatch(key):
        return key
    raise InvalidRequest("key: expected printable ASCII without spaces")


def processor_id(value: object) -> str:
    """Take the id of a processor.

    @raise InvalidRequest: it can be that of none.
    """
    if isinstance(value, str) and ID.fullmatch(value):
        return value
    raise InvalidRequest(
        f"processor: {shown(value)} is no id: 1 to 64 of A-Z a-z 0-9 _ -, "
        "beginning with a letter or digit"
    )


def request_id(value: object) -> str:
    """Take the id under which a request is known when it is sent again.

    @raise InvalidRequest: it is not 1 to 255 characters that a header can have.
    """
    text = text_of(value, "request_id")
    if not 1 <= len(text) <= _MAX_REQUEST_ID:
        raise InvalidRequest(f"request_id: expected 1 to 255 characters, got {len(text)}")
    if _CONTROL.search(text) or text.strip(" ") != text:
        raise InvalidRequest(f"request_id: {shown(text)} cannot stand in a header")
    return text


def word(value: object, name: str) -> str:
    """Take a word of a path: the name of a model, or of a gene.

    @param name: what an error is to name.
    @raise InvalidRequest: it would be taken for a part of the way, and not for a name.
    """
    text = text_of(value, name)
    if not text or text in _DOTTED:
        raise InvalidRequest(f"{name}: {text!r} is the name of nothing")
    return text


def text_of(value: object, name: str) -> str:
    """Take a string of valid Unicode.

    @raise InvalidRequest: it is none.
    """
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: expected a string, got {shown(value)}")
    if not is_unicode(value):
        raise InvalidRequest(f"{name}: not valid Unicode, {shown(value)}")
    return value


def is_unicode(text: str) -> bool:
    """Whether a string can be sent: half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def listed(value: Any, name: str, what: str) -> list[Any]:
    """Take what can be gone through, and is not a string or an object.

    @param what: of what it is a list, for the error.
    @raise InvalidRequest: it is something else.
    """
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping):
        with suppress(TypeError):  # an array of no dimension only says that it can be gone through
            return list(value)
    raise InvalidRequest(f"{name}: expected a list of {what}, got {shown(value)}")


def mapped(value: object, name: str) -> dict[Any, Any]:
    """Take an object.

    @raise InvalidRequest: it is none.
    """
    if isinstance(value, Mapping):
        return dict(value)
    raise InvalidRequest(f"{name}: expected an object, got {shown(value)}")
